#pragma once
// Turns full segments into sealed files, and removes sealed files that retention no longer keeps: the steps on disk.

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/log/embedded/sealed_files.hpp"
#include "core/log/embedded/sealed_writer.hpp"
#include "core/log/embedded/segment_file.hpp"

namespace tidemark::log {

/// A segment that gets no more frames, with the last commit in it and that frame's checksum.
struct FullSegment {
  Segment segment;
  std::uint64_t commit = 0;
  std::uint32_t crc = 0;
};

/// What a step has made of the catalogue. What it no longer names may be removed once readers have the new one.
struct CatalogueChange {
  Catalogue catalogue;
  std::vector<CataloguedFile> added;
  std::vector<CataloguedFile> dropped;
  std::vector<Error> damage;  ///< expired files that did not open; dropped all the same when the next ones tell where they end
};

/// One thread at a time. Any failed step leaves the log as it was; it may be tried again later, unless is_stuck().
class Sealer {
 public:
  /// `files` shows the catalogue to readers and opens its files; it must outlive the sealer.
  ///   merge_bytes_max   neighbours of a class are merged as long as they are together not larger
  Sealer(Disk& disk, std::string directory, std::uint32_t lanes, std::uint64_t merge_bytes_max, Catalogue catalogue, const SealedFiles& files);

  /// Rewrites the first segment that is not sealed, which `full` must be, and makes the catalogue name the outcome.
  ///   stop     looked at between frames; cancelled when it is set
  ///   errors   corrupt (names segment or file, and offset; a file that was to be merged is left apart from the next call on),
  ///            exhausted, cancelled, whatever the disk says
  Result<CatalogueChange> seal(const FullSegment& full, const std::vector<TopicSpec>& topics, const std::atomic<bool>& stop);
  /// Drops what retention no longer keeps at `now` (nullopt: by size only); an empty change when there is nothing.
  Result<CatalogueChange> cut(const std::vector<TopicSpec>& topics, std::optional<Time> now);
  /// Makes topics and lanes of which nothing was ever held begin, and end, there.
  Result<void> begin_at(const std::map<PartitionKey, std::uint64_t>& firsts);
  const Catalogue& catalogue() const { return catalogue_; }
  /// A catalogue may or may not have been replaced: only the next start can tell, nothing is written or removed until then.
  bool is_stuck() const { return stuck_; }

 private:
  struct Group;
  class Round;
  Result<void> pass(std::size_t at, CatalogueChange& change) const;
  Result<void> replace_catalogue(const Catalogue& next);

  Disk& disk_;
  const std::string directory_;
  const std::uint32_t lanes_;
  const std::uint32_t salt_;
  const std::uint64_t merge_bytes_max_;
  Catalogue catalogue_;
  const SealedFiles& files_;
  std::set<std::string> damaged_;  // files that are merged no more
  bool stuck_ = false;
};

}  // namespace tidemark::log
