#include "core/log/embedded/sealed_files.hpp"

#include "core/log/embedded/layout.hpp"

namespace tidemark::log {
namespace {

constexpr std::size_t kOpenFilesMax = 256;

}  // namespace

SealedFiles::SealedFiles(Disk& disk, std::string directory, Catalogue catalogue)
    : disk_(disk), directory_(std::move(directory)), salt_(salt_of(catalogue.epoch)), view_(std::make_shared<View>()) {
  publish(std::move(catalogue));
}

std::shared_ptr<const SealedFiles::View> SealedFiles::view() const {
  std::lock_guard lock(view_mutex_);
  return view_;
}

void SealedFiles::publish(Catalogue catalogue) {
  const auto before = view();
  auto next = std::make_shared<View>();
  next->ranges = std::move(catalogue.ranges);
  for (CataloguedFile& file : catalogue.files) {
    const auto known = before->slots.find(file.name());
    auto slot = known != before->slots.end() ? known->second : std::make_shared<Slot>(std::move(file));
    for (const auto& [topic, bytes] : slot->known.topic_bytes) next->by_topic[topic].push_back(slot);
    next->slots.emplace(slot->known.name(), std::move(slot));
  }
  std::lock_guard lock(view_mutex_);
  view_ = std::move(next);
}

SealedRange SealedFiles::range(PartitionKey key) const {
  const auto now = view();
  const auto found = now->ranges.find(key);
  return found == now->ranges.end() ? SealedRange{} : found->second;
}

Result<std::vector<StoredBatch>> SealedFiles::read(PartitionKey key, std::uint64_t from, std::size_t bytes_max) const {
  for (auto now = view();;) {
    auto batches = read(*now, key, from, bytes_max);
    if (batches) return batches;
    // The file may have been replaced or cut between the look at the catalogue and its opening.
    auto later = view();
    if (later == now) return batches;
    now = std::move(later);
  }
}

Result<std::vector<StoredBatch>> SealedFiles::read(const View& view, PartitionKey key, std::uint64_t from, std::size_t bytes_max) const {
  const auto range = view.ranges.find(key);
  if (range == view.ranges.end() || from < range->second.begin) return make_error(Code::not_found, "retention has cut this position");
  const auto files = view.by_topic.find(key.first);
  if (files != view.by_topic.end()) {
    for (std::size_t low = 0, high = files->second.size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      auto file = open(*files->second[middle]);
      if (!file) return file.take_error();
      const SealedPartition* partition = (*file)->find(key);
      if (partition == nullptr) return (*file)->damage(0, "the index knows nothing of lane " + std::to_string(key.second));
      if (from < partition->first) high = middle;
      else if (from >= partition->end) low = middle + 1;
      else return (*file)->read(*partition, from, bytes_max);
    }
  }
  return make_error(Code::corrupt, std::string(kCatalogueName) + ": no file holds tmseq " + std::to_string(from) + " of topic " +
                                       std::to_string(key.first) + " lane " + std::to_string(key.second));
}

Result<std::shared_ptr<const SealedFile>> SealedFiles::open(const CataloguedFile& file) const {
  const auto now = view();
  const auto slot = now->slots.find(file.name());
  if (slot == now->slots.end()) return make_error(Code::not_found, "file " + file.name() + " is not in the catalogue");
  return open(*slot->second);
}

Result<std::shared_ptr<const SealedFile>> SealedFiles::open(Slot& slot) const {
  {
    std::lock_guard lock(opened_mutex_);
    if (slot.file) return slot.file;
  }
  auto file = SealedFile::open(disk_, directory_, slot.known, salt_);
  if (!file) return file;
  std::lock_guard lock(opened_mutex_);
  if (slot.file) return slot.file;
  slot.file = *file;
  opened_.push_back(slot.weak_from_this());
  while (opened_.size() > kOpenFilesMax) {
    if (const auto oldest = opened_.front().lock()) oldest->file.reset();
    opened_.pop_front();
  }
  return file;
}

}  // namespace tidemark::log
