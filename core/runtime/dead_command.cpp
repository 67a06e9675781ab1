#include "core/runtime/dead_command.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/utf8.hpp"
#include "core/event/json.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kBeginBytes = 16 << 10;
constexpr std::size_t kHeadersKept = 100;
constexpr std::size_t kReasonBytesMax = 1000;
constexpr std::size_t kErrorsMax = 100;

void keep(std::string_view bytes, std::optional<std::string>& text, std::optional<std::string>& base64) {
  if (is_utf8(bytes)) text = std::string(bytes);
  else base64 = to_base64(bytes);
}

DeadHeader header_of(std::string_view name, const std::optional<std::string>& value, std::size_t bytes_max) {
  DeadHeader header;
  keep(name.substr(0, bytes_max), header.name, header.name_base64);
  if (value) keep(std::string_view(*value).substr(0, bytes_max), header.value, header.value_base64);
  return header;
}

/// Not in the middle of a character.
std::string_view begin_of(std::string_view bytes) {
  std::size_t size = std::min(bytes.size(), kBeginBytes);
  if (is_utf8(bytes)) {
    while (size < bytes.size() && size > 0 && (static_cast<unsigned char>(bytes[size]) & 0xc0) == 0x80) --size;
  }
  return bytes.substr(0, size);
}

std::string sentence(std::string_view text) { return mend_utf8(text.substr(0, kReasonBytesMax)); }

}  // namespace

std::string encode_dead_command(const Rejection& why, const log::OwnedRecord& record, std::size_t bytes_max) {
  DeadCommand dead;
  dead.code = why.code;
  dead.reason = sentence(why.reason);
  for (std::size_t i = 0; i < std::min(why.errors.size(), kErrorsMax); ++i) dead.errors.push_back({sentence(why.errors[i].pointer), sentence(why.errors[i].message)});
  if (!why.command_id.empty()) dead.command_id = why.command_id;
  dead.timestamp_ms = record.timestamp_ms;
  // The least that it can take: what is larger is not tried.
  if (record.size_bytes() < bytes_max) {
    DeadCommand whole = dead;
    if (record.key) keep(*record.key, whole.key, whole.key_base64);
    if (record.value) keep(*record.value, whole.value, whole.value_base64);
    for (const auto& [name, value] : record.headers) whole.headers.push_back(header_of(name, value, std::string_view::npos));
    if (std::string json = event::to_json(whole); json.size() <= bytes_max) return json;
  }
  if (record.key) keep(begin_of(*record.key), dead.key, dead.key_base64);
  if (record.value) {
    keep(begin_of(*record.value), dead.value, dead.value_base64);
    dead.value_size = record.value->size();
    dead.value_sha256 = to_hex(sha256(*record.value));
  }
  for (std::size_t i = 0; i < std::min(record.headers.size(), kHeadersKept); ++i) dead.headers.push_back(header_of(record.headers[i].first, record.headers[i].second, 256));
  return event::to_json(dead);
}

}  // namespace tidemark::runtime
