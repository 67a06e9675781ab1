#pragma once
// One sealed file, open for reading.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/disk.hpp"
#include "core/log/embedded/catalogue.hpp"

namespace tidemark::log {

/// Immutable; from any thread. The file may be removed meanwhile: the descriptor stays good.
class SealedFile {
 public:
  /// Reads header, index and footer and holds them against what the catalogue says.
  ///   errors   corrupt, naming file and offset, also when it is missing; what the disk says
  static Result<std::shared_ptr<const SealedFile>> open(Disk& disk, const std::string& directory, const CataloguedFile& known, std::uint32_t salt);

  const std::vector<SealedPartition>& partitions() const { return partitions_; }
  /// nullptr when the file knows nothing of the topic.
  const SealedPartition* find(PartitionKey key) const;

  /// Batches of `partition` from the one that holds `from` (which it must hold), until about `bytes_max` bytes, at least one.
  Result<std::vector<StoredBatch>> read(const SealedPartition& partition, std::uint64_t from, std::size_t bytes_max) const;

  /// `offset` is in the file; `batch` fits entry.crc.
  using Visit = std::function<Result<void>(const SealedPartition& partition, const SealedEntry& entry, std::uint64_t offset, std::string_view batch)>;
  /// Every record batch in file order, each held against its checksum. Ends with the visitor's first error.
  Result<void> for_each(const Visit& visit) const;
  /// corrupt: "file <name> offset <n>: <why>"
  Error damage(std::uint64_t offset, const std::string& why) const;

 private:
  SealedFile() = default;
  std::string name_;
  std::unique_ptr<File> file_;
  std::vector<SealedPartition> partitions_;  // by key
  std::uint64_t checksums_at_ = 0;
  std::uint64_t checksum_bytes_ = 0;
  std::uint32_t checksums_crc_ = 0;
};

}  // namespace tidemark::log
