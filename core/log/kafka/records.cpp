#include "core/log/kafka/records.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "core/log/record_batch.hpp"

namespace tidemark::log::kafka {
namespace {

using Headers = std::unique_ptr<rd_kafka_headers_t, decltype(&rd_kafka_headers_destroy)>;

constexpr std::string_view kPosition = kPositionHeader;
constexpr std::string_view kEventPosition = "ce_tmseq";
constexpr std::string_view kCommit = kCommitHeader;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Hands everything over; takes the headers when that succeeds.
Result<void> hand_over(rd_kafka_s* producer, const std::string& topic, std::int32_t partition, const event::RecordView& record, Headers headers, void* opaque) {
  // A null pointer is no key, an empty one needs an address.
  const auto address = [](const std::optional<std::string_view>& bytes) { return const_cast<char*>(!bytes ? nullptr : bytes->empty() ? "" : bytes->data()); };
  for (;;) {
    const rd_kafka_vu_t arguments[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u = {.cstr = topic.c_str()}},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u = {.i32 = partition}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u = {.mem = {address(record.key), record.key ? record.key->size() : 0}}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u = {.mem = {address(record.value), record.value ? record.value->size() : 0}}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u = {.i64 = record.timestamp_ms}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u = {.headers = headers.get()}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u = {.i = RD_KAFKA_MSG_F_COPY}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u = {.ptr = opaque}},
    };
    rd_kafka_error_t* error = rd_kafka_produceva(producer, arguments, std::size(arguments));
    if (error == nullptr) {
      headers.release();  // the producer's now
      return {};
    }
    const auto code = rd_kafka_error_code(error);
    const CallError failed = take_error(error);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return make_error(Code::exhausted, topic + ": " + failed.text);
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return make_error(failed.fenced ? Code::fenced : Code::unavailable, topic + ": " + failed.text);
    rd_kafka_poll(producer, 10);
  }
}

void add_header(rd_kafka_headers_t* headers, std::string_view name, std::optional<std::string_view> value) {
  rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value ? (value->empty() ? "" : value->data()) : nullptr,
                      value ? static_cast<ssize_t>(value->size()) : -1);
}

}  // namespace

std::string encode_commit(const std::vector<CommitPart>& parts) {
  std::string out;
  for (const CommitPart& part : parts) {
    if (!out.empty()) out += ',';
    out += part.topic + ':' + std::to_string(part.first) + '+' + std::to_string(part.count);
    if (part.count == 0) out += '@' + std::to_string(part.after);
  }
  return out;
}

std::optional<std::vector<CommitPart>> decode_commit(std::string_view text) {
  std::vector<CommitPart> parts;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
    const std::size_t colon = one.rfind(':'), plus = one.rfind('+');
    if (colon == one.npos || plus == one.npos || plus < colon || colon == 0) return std::nullopt;
    const std::size_t at = std::min(one.find('@', plus), one.size());
    const auto first = number(one.substr(colon + 1, plus - colon - 1)), count = number(one.substr(plus + 1, at - plus - 1));
    const auto after = at < one.size() ? number(one.substr(at + 1)) : std::nullopt;
    if (!first || !count || (*count == 0) != after.has_value() || after.value_or(0) > INT64_MAX) return std::nullopt;
    parts.push_back({std::string(one.substr(0, colon)), *first, *count, static_cast<std::int64_t>(after.value_or(0))});
  }
  return parts;
}

Result<void> produce(rd_kafka_s* producer, const std::string& topic, std::int32_t partition, const event::RecordView& record, Tmseq position,
                     const std::string& commit, std::int64_t& offset) {
  bool says_position = false;
  Headers headers(rd_kafka_headers_new(record.headers.size() + 2), &rd_kafka_headers_destroy);
  for (const auto& header : record.headers) {
    if (header.name == kEventPosition) {
      if (!header.value || number(*header.value) != position.value) {
        return make_error(Code::invalid_argument, topic + ": a record that says " + std::string(header.value.value_or("nothing")) + " at tmseq " + std::to_string(position.value));
      }
      says_position = true;
    }
    add_header(headers.get(), header.name, header.value);
  }
  const std::string said = std::to_string(position.value);
  if (!says_position) add_header(headers.get(), kPosition, said);
  if (!commit.empty()) add_header(headers.get(), kCommit, commit);
  return hand_over(producer, topic, partition, record, std::move(headers), &offset);
}

Result<void> produce_as_is(rd_kafka_s* producer, const std::string& topic, std::int32_t partition, const OwnedRecord& record, void* opaque) {
  std::vector<event::HeaderView> views;
  event::RecordView view = view_of(record, views);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (view.timestamp_ms < 0 || view.timestamp_ms > now) view.timestamp_ms = 0;  // the client's own now
  Headers headers(rd_kafka_headers_new(views.size()), &rd_kafka_headers_destroy);
  for (const auto& header : views) add_header(headers.get(), header.name, header.value);
  return hand_over(producer, topic, partition, view, std::move(headers), opaque);
}

OwnedRecord owned_record(const rd_kafka_message_s& message) {
  OwnedRecord out;
  const auto bytes = [](const void* data, std::size_t size) { return data == nullptr ? std::nullopt : std::optional(std::string(static_cast<const char*>(data), size)); };
  out.key = bytes(message.key, message.key_len);
  out.value = bytes(message.payload, message.len);
  rd_kafka_timestamp_type_t kind{};
  out.timestamp_ms = rd_kafka_message_timestamp(&message, &kind);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) out.headers.emplace_back(name, bytes(value, size));
  return out;
}

std::string place_of(const rd_kafka_message_s& message) {
  return std::string(message.rkt != nullptr ? rd_kafka_topic_name(message.rkt) : "?") + " partition " + std::to_string(message.partition) + " offset " +
         std::to_string(message.offset);
}

Result<ReadRecord> MessageReader::read(const rd_kafka_message_s& message) {
  const auto bad = [&](std::string_view what) { return make_error(Code::corrupt, place_of(message) + ": " + std::string(what)); };
  ReadRecord out;
  headers_.clear();
  std::optional<std::string_view> position;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      const auto bytes = value != nullptr ? std::optional(std::string_view(static_cast<const char*>(value), size)) : std::nullopt;
      const std::string_view called(name);
      if (called == kPosition || called == kEventPosition) {
        if (position || !bytes) return bad("its position is said twice or not at all");
        position = bytes;
        if (called == kPosition) continue;
      } else if (called == kCommit) {
        out.commit = bytes.value_or("");
        continue;
      }
      headers_.push_back({called, bytes});
    }
  }
  const auto tmseq = position ? number(*position) : std::nullopt;
  if (!tmseq) return bad("the record carries no tmseq: no owner of the lane wrote it");
  out.tmseq = *tmseq;
  out.view.offset = message.offset;
  rd_kafka_timestamp_type_t kind{};
  out.view.timestamp_ms = rd_kafka_message_timestamp(&message, &kind);
  if (kind != RD_KAFKA_TIMESTAMP_CREATE_TIME) return bad("the topic does not keep the time of the record (message.timestamp.type)");
  if (message.key != nullptr) out.view.key = std::string_view(static_cast<const char*>(message.key), message.key_len);
  if (message.payload != nullptr) out.view.value = std::string_view(static_cast<const char*>(message.payload), message.len);
  out.view.headers = headers_;
  return out;
}

}  // namespace tidemark::log::kafka
