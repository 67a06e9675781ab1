#pragma once
// PeerCopies: files of this node's blob store given to other nodes, and files that it lacks fetched from them. Contents travel by
// their hash and are verified by whoever gets them; private files travel as they lie on the disk, encrypted.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/metrics.hpp"
#include "core/blob/copies.hpp"
#include "core/blob/stored_file.hpp"
#include "core/cluster/blobs/node_key.hpp"
#include "core/http/relay/peer_client.hpp"

namespace tidemark::cluster {

/// Another node of the installation.
struct Peer {
  std::string id;
  std::string url;  ///< of its main port; may be empty: it cannot be reached
};
/// All that are believed to live, but this one.
using Peers = std::function<std::vector<Peer>()>;

struct PeerCopiesOptions {
  std::uint64_t private_bytes_max = 1u << 30;         ///< of a private file that is fetched
  std::uint64_t bytes_per_second_least = 1u << 20;    ///< slower transfers are given up
  Duration deadline_least = std::chrono::seconds(30);
  std::size_t fetches_max = 64;                       ///< files fetched at once; above it: unavailable
  Duration avoided_for = std::chrono::seconds(10);    ///< a node that failed is asked last for so long
  /// How long give() goes on asking where every other node fails: those that died are soon no nodes of the group any more.
  Duration patience = std::chrono::seconds(0);
  Duration look_every = std::chrono::milliseconds(250);  ///< meanwhile, and whether the node that is asked is one still
};

struct PeerCopiesParts {
  Scheduler& home;
  Executor& pool;
  blob::BlobStore& local;  ///< as make_blob_store() made it
  http::PeerClient& client;
  const NodeKey& key;
  Peers peers;
  metrics::Registry* metrics = nullptr;
};

/// Home scheduler. Parts outlive everything under way.
class PeerCopies {
 public:
  PeerCopies(PeerCopiesParts parts, PeerCopiesOptions options = {});
  PeerCopies(const PeerCopies&) = delete;
  PeerCopies& operator=(const PeerCopies&) = delete;

  /// Gives a file that is here to one other node, which has it on its disk when the task ends. Nodes that cannot be reached or
  /// refuse are passed over; where none takes it, those that cannot be reached are asked again for as long as the patience, and no
  /// longer once they have left the group. Without other nodes there is nothing to do, which is counted.
  ///   errors   unavailable: none of them took it, with what the last one said; those of reading the file
  Task<Result<void>> give(blob::BlobRef ref);
  Task<Result<void>> give_private(std::string name);

  /// What became of a copy that was to be made again.
  enum class Again {
    given,
    unwanted,    ///< no other node that could be asked knows the file to be needed
    damaged,     ///< what is here is not what its name says, or cannot be read
    gone,        ///< it is not here any more
    refused      ///< none of the other nodes took it
  };
  struct GivenAgain {
    Again became = Again::refused;
    std::uint64_t bytes = 0;  ///< of the file, when it was given
  };
  /// Gives a file that was stored before to a node that knows it to be needed and lacks it.
  Task<GivenAgain> give_again(blob::StoredFile file);

  /// Which of some files other nodes have.
  struct Elsewhere {
    std::vector<bool> held;          ///< of each file, whether another node has it
    std::vector<std::string> mute, answered;  ///< ids of nodes that could not be asked, and of those that could
  };
  /// At most kHeldFilesMax files (held.hpp).
  ///   passed_over   ids of nodes that are not asked
  Task<Elsewhere> elsewhere(std::vector<blob::StoredFile> files, std::set<std::string> passed_over);

  /// Ids of the other nodes, ascending.
  std::vector<std::string> others() const;

  /// Brings here a file that others have. Those who ask for one that is on its way wait for it.
  ///   errors   not_found (no other node has it), unavailable (one that may have it could not be asked), exhausted (this disk is
  ///            full), internal
  Task<Result<void>> fetch(blob::BlobRef ref);
  Task<Result<void>> fetch_private(std::string name);

 private:
  struct Outgoing;
  struct Put;
  struct Asked;
  struct Incoming;
  struct Got;
  struct UnderWay;
  Task<Result<Outgoing>> outgoing(blob::StoredFile file);
  Task<Result<void>> give_file(blob::StoredFile file);
  Task<Put> put_while_there(Peer peer, Outgoing file);
  Task<void> put_for(std::shared_ptr<Asked> asked, Peer peer, Outgoing file);
  void watch(std::shared_ptr<Asked> asked, std::string peer);
  void tell(Asked& asked, Put put);
  Task<Put> put(Peer peer, Outgoing file);
  Task<Result<std::vector<bool>>> ask_held(Peer peer, std::vector<blob::StoredFile> files);
  Task<Result<std::string>> read_piece(std::shared_ptr<int> fd, std::uint64_t at, std::size_t size);
  Task<Result<std::string>> next_piece(std::shared_ptr<int> fd, std::uint64_t at, std::size_t size, bool& unread);
  Task<Result<std::string>> hash_of(std::shared_ptr<int> fd, std::uint64_t size);
  Task<Result<void>> fetch_once(Incoming file);
  Task<Result<void>> fetch_file(Incoming file);
  Task<Got> get(Peer peer, Incoming file);
  std::vector<Peer> in_order();
  /// It is asked last for a while.
  void avoid(const Peer& peer);
  void failed(const Peer& peer, std::string_view what, const std::string& target, const Error& error);
  Duration deadline_of(std::uint64_t bytes) const;

  const PeerCopiesParts parts_;
  const PeerCopiesOptions options_;
  blob::CopySource& copies_;
  std::map<std::string, std::shared_ptr<UnderWay>> under_way_;  // by target
  std::map<std::string, SteadyTime> avoided_;                   // node ids, until when
  const metrics::Counter given_, given_bytes_, fetched_, fetched_bytes_, alone_, refused_, damaged_;
};

/// Paths of the files on other nodes, with the size where that is not sent otherwise.
std::string blob_target(const std::string& sha256);
std::string private_blob_target(const std::string& name);

}  // namespace tidemark::cluster
