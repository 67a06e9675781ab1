#include "core/log/command_inbox.hpp"

namespace tidemark::log {
namespace {

constexpr std::size_t kHeaderOverhead = 16;  // its lengths, as clients reckon them

}  // namespace

std::size_t OwnedRecord::size_bytes() const {
  std::size_t size = (key ? key->size() : 0) + (value ? value->size() : 0);
  for (const auto& [name, text] : headers) size += kHeaderOverhead + name.size() + (text ? text->size() : 0);
  return size;
}

event::RecordView view_of(const OwnedRecord& record, std::vector<event::HeaderView>& headers) {
  headers.clear();
  for (const auto& [name, text] : record.headers) headers.push_back({name, text ? std::optional<std::string_view>(*text) : std::nullopt});
  event::RecordView view;
  view.timestamp_ms = record.timestamp_ms;
  if (record.key) view.key = *record.key;
  if (record.value) view.value = *record.value;
  view.headers = headers;
  return view;
}

}  // namespace tidemark::log
