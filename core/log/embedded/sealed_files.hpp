#pragma once
// The sealed part of the log as its readers see it: one catalogue at a time, files opened when they are first read.

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/log/embedded/sealed_file.hpp"

namespace tidemark::log {

/// From any thread. Whoever reads goes on with the files it has found, whatever is published or removed meanwhile.
class SealedFiles {
 public:
  SealedFiles(Disk& disk, std::string directory, Catalogue catalogue);

  /// Readers that come from now on see `catalogue`. Files that it no longer names may be removed afterwards.
  void publish(Catalogue catalogue);
  SealedRange range(PartitionKey key) const;

  /// As EventLog::read, for a position below range(key).end.
  Result<std::vector<StoredBatch>> read(PartitionKey key, std::uint64_t from, std::size_t bytes_max) const;
  Result<std::shared_ptr<const SealedFile>> open(const CataloguedFile& file) const;

 private:
  struct Slot : std::enable_shared_from_this<Slot> {
    explicit Slot(CataloguedFile given) : known(std::move(given)) {}
    const CataloguedFile known;
    std::shared_ptr<const SealedFile> file;  // opened_mutex_ guards
  };
  struct View {
    std::map<PartitionKey, SealedRange> ranges;
    std::map<std::string, std::shared_ptr<Slot>> slots;                         // by name
    std::map<std::uint16_t, std::vector<std::shared_ptr<Slot>>> by_topic;       // in the topic's order
  };
  std::shared_ptr<const View> view() const;
  Result<std::shared_ptr<const SealedFile>> open(Slot& slot) const;
  Result<std::vector<StoredBatch>> read(const View& view, PartitionKey key, std::uint64_t from, std::size_t bytes_max) const;

  Disk& disk_;
  const std::string directory_;
  const std::uint32_t salt_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_;
  mutable std::mutex opened_mutex_;
  mutable std::deque<std::weak_ptr<Slot>> opened_;  // oldest first
};

}  // namespace tidemark::log
