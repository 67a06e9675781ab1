#include "core/log/kafka/raw_batches.hpp"

#include <charconv>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/log/record_batch_layout.hpp"

namespace tidemark::log::kafka {
using namespace layout;
namespace {

constexpr std::uint16_t kControl = 0x20;
constexpr std::string_view kEventPosition = "ce_tmseq";

/// The tmseq of the next record, which must be the one of that number in its batch.
std::optional<std::uint64_t> position(RecordCursor& records, std::int64_t index) {
  RecordCursor in(records.take(records.number()));
  in.take(1);   // attributes
  in.number();  // time
  if (in.number() != index) return std::nullopt;
  in.blob();
  in.blob();
  std::optional<std::uint64_t> out;
  for (std::int64_t left = in.number(); left > 0 && in.ok(); --left) {
    const std::string_view name = in.take(in.number());
    const bool says = name.size() == kPositionHeader.size() ? name == kPositionHeader : name == kEventPosition;
    if (!says) {
      in.blob();
      continue;
    }
    const std::string_view text = in.take(in.number());
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (out || text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    out = value;
  }
  if (!in.ok() || in.left() != 0 || !records.ok()) return std::nullopt;
  return out;
}

/// The tmseq of the first record, when those behind it follow each other.
std::optional<std::uint64_t> first_position(std::string_view batch, std::uint32_t count) {
  RecordCursor records(batch.substr(kHeaderSize));
  const auto first = position(records, 0);
  for (std::uint32_t i = 1; first && i < count; ++i) {
    if (position(records, i) != *first + i) return std::nullopt;
  }
  return records.left() == 0 ? first : std::nullopt;
}

}  // namespace

std::optional<RawBatches> take_batches(std::shared_ptr<std::string> bytes, std::size_t at, std::size_t size, std::uint64_t due) {
  RawBatches out;
  const std::size_t end = at + size;
  while (end - at >= kHeaderSize) {
    char* const batch = bytes->data() + at;
    const std::size_t length = std::size_t{get_u32_be(batch + kLengthAt)} + kLengthFrom;
    if (length < kHeaderSize) return std::nullopt;
    if (length > end - at) break;
    const std::uint16_t attributes = get_u16_be(batch + kAttributesAt);
    const std::uint32_t count = get_u32_be(batch + kCountAt), last_delta = get_u32_be(batch + kLastDeltaAt);
    const auto offset = static_cast<std::int64_t>(get_u64_be(batch));
    out.next_offset = offset + last_delta + 1;
    if (batch[kMagicAt] != 2) return std::nullopt;
    if ((attributes & kControl) == 0) {
      if ((attributes & ~kOfTransaction) != 0 || count == 0 || last_delta != count - 1) return std::nullopt;
      const auto first = first_position(std::string_view(batch, length), count);
      if (!first || *first > due) return std::nullopt;
      if (*first + count > due) {
        if (!out.batches.empty() && *first != due) return std::nullopt;
        if (out.batches.empty()) out.first_offset = offset;
        // Neither field is under the checksum.
        std::string own;
        put_u64_be(own, *first);
        bytes->replace(at, own.size(), own);
        bytes->replace(at + kLeaderEpochAt, 4, "\xff\xff\xff\xff");
        out.batches.push_back(StoredBatch{Tmseq{*first}, count, bytes, at, length});
        due = *first + count;
      }
    }
    at += length;
  }
  return out;
}

}  // namespace tidemark::log::kafka
