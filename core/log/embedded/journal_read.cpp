// The read side of the journal: index, cached tail, pread; below the first segment, the sealed files.
#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/log/embedded/journal.hpp"

namespace tidemark::log {
namespace {

constexpr std::uint64_t kGapBytesMax = 16u << 10;    // read over what belongs to other lanes up to this
constexpr std::uint64_t kPieceBytesMax = 4u << 20;   // one pread, unless a single batch is larger

Result<void> check_batch(const StoredBatch& batch, const BatchPlace& place) {
  auto reader = RecordBatchReader::open(batch.view());
  std::string why;
  if (!reader) why = reader.error().message;
  // The batch's own checksum begins behind these fields.
  else if (reader->size_bytes() != place.length || reader->count() != place.count || get_u32_be(batch.view().data() + 12) != 0xffffffffu ||
           static_cast<std::uint64_t>(reader->base_offset()) != place.first) {
    why = "record batch: not the one that was written here";
  }
  if (why.empty()) return {};
  return make_error(Code::corrupt, "segment " + std::to_string(place.segment) + " offset " + std::to_string(place.offset) + ": " + why);
}

}  // namespace

Result<std::vector<StoredBatch>> Journal::read(TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const {
  const PartitionKey key{topic.value, static_cast<std::uint16_t>(lane.value)};
  std::vector<StoredBatch> out;
  std::vector<BatchPlace> places;
  bool is_sealed = false;
  std::vector<std::shared_ptr<File>> files;  // of the places that are not cached; null for those that are
  {
    std::shared_lock lock(published_);
    const std::size_t at = partition(topic, lane);
    if (lane.value >= lanes_ || at >= index_.size()) return make_error(Code::not_found, "no such topic or lane");
    const PartitionIndex& index = index_[at];
    is_sealed = from.value < index.begin();
    if (!is_sealed) places = index.find(from.value, bytes_max);
    out.reserve(places.size());
    files.reserve(places.size());
    for (const BatchPlace& place : places) {
      auto hit = cache_.find(place.segment, place.offset);
      out.push_back(StoredBatch{Tmseq{place.first}, place.count, std::move(hit.frame), hit.at, place.length});
      files.push_back(out.back().bytes ? nullptr : files_.at(place.segment));
    }
  }
  if (is_sealed) {
    auto found = sealed_.read(key, from.value, bytes_max);
    if (found || found.error().code != Code::not_found) return found;
    return make_error(Code::not_found, topics()[topic.value].name + " lane " + std::to_string(lane.value) + " begins at " +
                                           std::to_string(begin(topic, lane).value));
  }
  if (auto done = read_places(std::move(places), files, out); !done) return done.take_error();
  return out;
}

Result<void> Journal::read_places(std::vector<BatchPlace> places, const std::vector<std::shared_ptr<File>>& files, std::vector<StoredBatch>& out) const {
  for (std::size_t i = 0; i < places.size();) {
    if (!files[i]) {
      ++i;
      continue;
    }
    const std::uint64_t begin = places[i].offset;
    std::uint64_t end = begin + places[i].length;
    std::size_t last = i + 1;
    for (; last < places.size() && files[last] == files[i]; ++last) {
      const std::uint64_t next_end = places[last].offset + places[last].length;
      if (places[last].offset - end > kGapBytesMax || next_end - begin > kPieceBytesMax) break;
      end = next_end;
    }
    auto bytes = files[i]->pread(begin, static_cast<std::size_t>(end - begin));
    if (!bytes) return bytes.take_error();
    bytes->resize(static_cast<std::size_t>(end - begin), '\0');  // a file cut short fails the checksums
    auto piece = std::make_shared<const std::string>(std::move(*bytes));
    for (; i < last; ++i) {
      out[i].bytes = piece;
      out[i].at = static_cast<std::size_t>(places[i].offset - begin);
      if (auto done = check_batch(out[i], places[i]); !done) return done;
    }
  }
  return {};
}

}  // namespace tidemark::log
