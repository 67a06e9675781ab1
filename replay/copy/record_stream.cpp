#include "replay/copy/record_stream.hpp"

namespace tidemark::replay {
namespace {

constexpr std::size_t kChunkBytes = 512u << 10;

}  // namespace

std::string partition_text(std::string_view topic, LaneId lane) { return std::string(topic) + " lane " + std::to_string(lane.value); }

std::size_t HeldRecord::size_bytes() const {
  std::size_t size = 32 + (view.key ? view.key->size() : 0) + (view.value ? view.value->size() : 0);
  for (const auto& header : headers) size += 4 + header.name.size() + (header.value ? header.value->size() : 0);
  return size;
}

Result<const HeldRecord*> RecordStream::peek() {
  if (!held_) {
    if (auto loaded = load(); !loaded) return loaded.take_error();
  }
  return held_ ? &*held_ : nullptr;
}

HeldRecord RecordStream::take() {
  TM_ASSERT(held_.has_value(), "what is taken was looked at");
  ++next_;
  HeldRecord out = std::move(*held_);
  held_.reset();
  return out;
}

Result<void> RecordStream::load() {
  const auto corrupt = [&](std::string_view what) {
    return make_error(Code::corrupt, partition_text(name_, lane_) + " at tmseq " + std::to_string(next_) + ": " + std::string(what));
  };
  while (next_ < end_) {
    if (reader_ && !reader_->done()) {
      auto record = reader_->next();
      if (!record) return corrupt(record.error().message);
      if (record->offset < static_cast<std::int64_t>(next_)) continue;
      if (record->offset != static_cast<std::int64_t>(next_)) return corrupt("the log has a gap");
      HeldRecord held;
      held.position = Tmseq{next_};
      held.bytes = batches_[at_].bytes;
      held.headers.assign(record->headers.begin(), record->headers.end());
      held.view = *record;
      held_ = std::move(held);
      held_->view.headers = held_->headers;
      return {};
    }
    if (reader_) ++at_;
    reader_.reset();
    if (at_ >= batches_.size()) {
      auto batches = log_.read(topic_, lane_, Tmseq{next_}, kChunkBytes);
      if (!batches) return batches.take_error();
      if (batches->empty()) return corrupt("nothing can be read below the end");
      batches_ = std::move(*batches);
      at_ = 0;
    }
    auto reader = log::RecordBatchReader::open(batches_[at_].view());
    if (!reader) return corrupt(reader.error().message);
    reader_ = std::move(*reader);
  }
  return {};
}

}  // namespace tidemark::replay
