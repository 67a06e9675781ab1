#pragma once
// CopyCheck: looks again and again whether the files of this node are on another one too, and gives those that are not to one that
// takes them: after a node was lost with its disk, and what was stored while there was no other node.
//
// A pass goes over all files here, a page at a time, and asks the other nodes by name; it remembers nothing and begins anew after a
// restart. A copy is made only of a file that both this node and the one that takes it know to be needed: what one node has purged
// or collected does not come back because another is behind. A pass is of one group of nodes: when that changes it ends, and begins
// anew when the group has been the same for a while.

#include <memory>

#include "core/blob/uses.hpp"
#include "core/cluster/blobs/peer_copies.hpp"

namespace tidemark::cluster {

struct CopyCheckOptions {
  Duration interval = std::chrono::hours(1);            ///< from one pass to the next, in a group that stays the same
  Duration settle = std::chrono::seconds(30);           ///< the group has been the same for so long before a pass begins
  Duration retry = std::chrono::minutes(1);             ///< after a pass that was cut short or left files with one copy; at most the interval
  Duration look_every = std::chrono::seconds(1);        ///< at the group
  Duration page_pause = std::chrono::milliseconds(20);  ///< between two pages
  std::size_t page_files = 256;                         ///< at most kHeldFilesMax
  std::uint64_t bytes_per_second = 32u << 20;           ///< of copies, on average
  int refusals_max = 3;                                 ///< copies that nobody took, one after the other, end the pass
  int mute_passes_max = 3;                              ///< a node that could not be asked in so many passes one after the other counts as one that has nothing
};

struct CopyCheckParts {
  Scheduler& home;
  blob::BlobStore& local;  ///< as make_blob_store() made it
  PeerCopies& copies;
  const blob::FileUses& uses;
  metrics::Registry* metrics = nullptr;
};

/// Home scheduler. Its destruction, or end(), ends it; what is under way ends on its own, and the parts outlive that.
class CopyCheck {
 public:
  CopyCheck(CopyCheckParts parts, CopyCheckOptions options = {});
  CopyCheck(const CopyCheck&) = delete;
  CopyCheck& operator=(const CopyCheck&) = delete;
  ~CopyCheck() { end(); }

  /// Once: when the uses can be asked.
  void begin();
  void end();
  bool under_way() const;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace tidemark::cluster
