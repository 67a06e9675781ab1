#include "core/log/record_batch.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/log/record_batch_layout.hpp"

namespace tidemark::log {
using namespace layout;
namespace {

std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}
std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::size_t zigzag_size(std::int64_t value) { return varint_size(zigzag(value)); }

std::size_t blob_size(const std::optional<std::string_view>& bytes) {
  return bytes ? zigzag_size(static_cast<std::int64_t>(bytes->size())) + bytes->size() : 1;
}

char* write_zigzag(char* at, std::int64_t value) {
  std::uint64_t v = zigzag(value);
  for (; v >= 0x80; v >>= 7) *at++ = static_cast<char>(v | 0x80);
  *at++ = static_cast<char>(v);
  return at;
}
char* write_blob(char* at, const std::optional<std::string_view>& bytes) {
  if (!bytes) return write_zigzag(at, -1);
  at = write_zigzag(at, static_cast<std::int64_t>(bytes->size()));
  return std::copy(bytes->begin(), bytes->end(), at);
}

Error corrupt(std::string why) { return make_error(Code::corrupt, "record batch: " + std::move(why)); }

}  // namespace

void RecordBatchBuilder::add(const event::RecordView& record) {
  if (count_ == 0) first_timestamp_ms_ = max_timestamp_ms_ = record.timestamp_ms;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, record.timestamp_ms);
  const std::int64_t timestamp_delta = record.timestamp_ms - first_timestamp_ms_;
  const auto offset_delta = static_cast<std::int64_t>(count_);
  const auto header_count = static_cast<std::int64_t>(record.headers.size());

  std::size_t size = 1 + zigzag_size(timestamp_delta) + zigzag_size(offset_delta) + blob_size(record.key) +
                     blob_size(record.value) + zigzag_size(header_count);
  for (const auto& header : record.headers) size += blob_size(header.name) + blob_size(header.value);

  const std::size_t begin = records_.size();
  const std::size_t total = zigzag_size(static_cast<std::int64_t>(size)) + size;
  if (records_.capacity() < begin + total) records_.reserve(std::max(begin + total, 2 * records_.capacity()));
  records_.resize(begin + total);
  char* at = write_zigzag(records_.data() + begin, static_cast<std::int64_t>(size));
  *at++ = 0;  // record attributes: none are defined
  at = write_zigzag(at, timestamp_delta);
  at = write_zigzag(at, offset_delta);
  at = write_blob(at, record.key);
  at = write_blob(at, record.value);
  at = write_zigzag(at, header_count);
  for (const auto& header : record.headers) {
    at = write_blob(at, header.name);
    at = write_blob(at, header.value);
  }
  TM_ASSERT(at == records_.data() + records_.size(), "a record's size is computed as it is written");
  ++count_;
}

std::size_t RecordBatchBuilder::size_bytes() const { return kHeaderSize + records_.size(); }

void RecordBatchBuilder::encode(std::int64_t base_offset, std::string& out) const {
  TM_ASSERT(count_ > 0, "an empty record batch is never written");
  const std::size_t begin = out.size();
  out.reserve(begin + size_bytes());
  put_u64_be(out, static_cast<std::uint64_t>(base_offset));
  put_u32_be(out, static_cast<std::uint32_t>(size_bytes() - kLengthFrom));
  put_u32_be(out, 0xffffffffu);  // partition leader epoch: none
  out.push_back(2);              // magic
  put_u32_be(out, 0);            // the CRC, set below
  put_u16_be(out, 0);            // attributes: uncompressed, create time, no transaction
  put_u32_be(out, static_cast<std::uint32_t>(count_ - 1));
  put_u64_be(out, static_cast<std::uint64_t>(first_timestamp_ms_));
  put_u64_be(out, static_cast<std::uint64_t>(max_timestamp_ms_));
  put_u64_be(out, ~std::uint64_t{0});  // producer id: none
  put_u16_be(out, 0xffff);             // producer epoch
  put_u32_be(out, 0xffffffffu);        // base sequence
  put_u32_be(out, static_cast<std::uint32_t>(count_));
  out.append(records_);
  const std::uint32_t crc = crc32c(std::string_view(out).substr(begin + kCoveredAt));
  for (std::size_t i = 0; i < 4; ++i) out[begin + kCrcAt + i] = static_cast<char>(crc >> (24 - 8 * i));
}

void RecordBatchBuilder::clear() {
  records_.clear();
  count_ = 0;
  first_timestamp_ms_ = max_timestamp_ms_ = 0;
}

std::optional<BatchExtent> measure_batch(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  BatchExtent out;
  out.first = get_u64_be(bytes.data());
  out.count = get_u32_be(bytes.data() + kCountAt);
  out.size = std::size_t{get_u32_be(bytes.data() + kLengthAt)} + kLengthFrom;
  const bool ours = get_u32_be(bytes.data() + kLeaderEpochAt) == 0xffffffffu;
  if (!ours || out.count == 0 || out.size < kHeaderSize || out.size > bytes.size()) return std::nullopt;
  return out;
}

BatchTimes batch_times(std::string_view batch) {
  TM_ASSERT(batch.size() >= kHeaderSize, "a whole batch has a header");
  return {static_cast<std::int64_t>(get_u64_be(batch.data() + kBaseTimestampAt)), static_cast<std::int64_t>(get_u64_be(batch.data() + kMaxTimestampAt))};
}

Result<RecordBatchReader> RecordBatchReader::open(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return corrupt("shorter than a batch header");
  if (static_cast<std::uint8_t>(bytes[kMagicAt]) != 2) {
    return make_error(Code::unsupported_version, "record batch: magic " + std::to_string(static_cast<std::uint8_t>(bytes[kMagicAt])) +
                                                     " is not 2");
  }
  const std::size_t size = std::size_t{get_u32_be(bytes.data() + kLengthAt)} + kLengthFrom;
  if (size < kHeaderSize || size > bytes.size()) return corrupt("its length does not fit");
  bytes = bytes.substr(0, size);
  if (crc32c(bytes.substr(kCoveredAt)) != get_u32_be(bytes.data() + kCrcAt)) return corrupt("its checksum does not match");
  const std::uint16_t attributes = get_u16_be(bytes.data() + kAttributesAt);
  if ((attributes & ~kOfTransaction) != 0) {
    return make_error(Code::unsupported_version, "record batch: attributes " + std::to_string(attributes) + " (compressed or control)");
  }
  const std::uint32_t count = get_u32_be(bytes.data() + kCountAt);
  // The least record has seven bytes; a count beyond that is a lie and must not size anything.
  if (count == 0 || count > (size - kHeaderSize) / 7) return corrupt("its record count does not fit");
  if (get_u32_be(bytes.data() + kLastDeltaAt) != count - 1) return corrupt("its offsets are not dense");
  RecordBatchReader reader;
  reader.records_ = bytes.substr(kHeaderSize);
  reader.base_offset_ = static_cast<std::int64_t>(get_u64_be(bytes.data()));
  reader.base_timestamp_ms_ = static_cast<std::int64_t>(get_u64_be(bytes.data() + kBaseTimestampAt));
  reader.size_bytes_ = size;
  reader.count_ = count;
  reader.has_own_headers_ = attributes == kOfTransaction;
  return reader;
}

Result<event::RecordView> RecordBatchReader::next() {
  if (done()) return corrupt("read past its last record");
  const auto bad = [this] { return corrupt("record " + std::to_string(index_) + " does not decode"); };
  RecordCursor outer(records_.substr(at_));
  const std::string_view body = outer.take(outer.number());
  if (!outer.ok()) return bad();
  RecordCursor in(body);
  event::RecordView record;
  const std::uint8_t attributes = in.byte();
  // Unsigned, so that a hostile delta wraps instead of overflowing.
  record.timestamp_ms =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(base_timestamp_ms_) + static_cast<std::uint64_t>(in.number()));
  const std::int64_t offset_delta = in.number();
  record.offset = static_cast<std::int64_t>(static_cast<std::uint64_t>(base_offset_) + index_);
  record.key = in.blob();
  record.value = in.blob();
  const std::int64_t header_count = in.number();
  if (!in.ok() || attributes != 0 || offset_delta != static_cast<std::int64_t>(index_) || header_count < 0 ||
      static_cast<std::uint64_t>(header_count) > in.left() / 2) {
    return bad();
  }
  headers_.clear();
  headers_.reserve(static_cast<std::size_t>(header_count));
  for (std::int64_t i = 0; i < header_count; ++i) {
    event::HeaderView header;
    header.name = in.take(in.number());
    header.value = in.blob();
    if (has_own_headers_ && (header.name == kPositionHeader || header.name == kCommitHeader)) continue;
    headers_.push_back(header);
  }
  if (!in.ok() || in.left() != 0) return bad();
  at_ = records_.size() - outer.left();
  if (index_ + 1 == count_ && at_ != records_.size()) return corrupt("bytes follow its last record");
  ++index_;
  record.headers = headers_;
  return record;
}

}  // namespace tidemark::log
