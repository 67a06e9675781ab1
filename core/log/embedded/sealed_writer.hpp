#pragma once
// Writes one sealed file. Its layout is known before its content: expect() says what will come, then add() may bring the
// record batches of different partitions in any order.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/disk.hpp"
#include "core/log/embedded/catalogue.hpp"

namespace tidemark::log {

/// Not synchronised. A failed writer is of no further use; what it wrote lies under `path`, which no catalogue names.
class SealedWriter {
 public:
  SealedWriter(Disk& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}

  /// `key` will hold [first, end) in `entries` record batches of `bytes`. Called again for the same key, it goes on there.
  /// False, with nothing changed, when `first` is not where it ended.
  bool expect(PartitionKey key, std::uint64_t first, std::uint64_t end, std::uint32_t entries, std::uint64_t bytes);
  bool expects(PartitionKey key) const { return parts_.contains(key); }
  std::uint64_t batch_bytes() const { return batch_bytes_; }

  /// Makes the file, empty. Between this and finish() everything expected must come.
  Result<void> create();
  /// `batch` is whole (the caller has held it against entry.crc) and goes on where its partition's last one ended.
  Result<void> add(PartitionKey key, const SealedEntry& entry, std::string_view batch);
  /// Writes index, checksums, footer and header, and makes it all durable. Gives back what the catalogue must know; the
  /// segments, the class and the name are the caller's.
  Result<CataloguedFile> finish(std::uint64_t first_commit, std::uint64_t last_commit, std::uint32_t last_crc, std::uint32_t salt);

 private:
  struct Part {
    SealedPartition plan;
    std::uint64_t next = 0;      // tmseq of the next batch
    std::uint64_t added = 0;     // bytes
    std::string waiting;         // the last of them, not written yet
    std::string checksums;
  };
  Result<void> write(Part& part);
  Result<void> write_all();

  Disk* disk_;
  std::string path_;
  std::map<PartitionKey, Part> parts_;
  std::uint64_t batch_bytes_ = 0;
  std::unique_ptr<File> file_;
  std::uint64_t waiting_ = 0;
  std::uint64_t unsynced_ = 0;
  std::int64_t from_ms_ = INT64_MAX, to_ms_ = 0;
};

}  // namespace tidemark::log
