#include "core/log/event_log.hpp"

#include <algorithm>

namespace tidemark::log {

std::string_view name_of(TopicClass topic_class) {
  switch (topic_class) {
    case TopicClass::fact: return "fact";
    case TopicClass::ephemeral: return "ephemeral";
    case TopicClass::commands: return "commands";
    case TopicClass::decisions: return "decisions";
    case TopicClass::dead_letters: return "dead-letters";
  }
  return "unknown";
}

std::optional<TopicClass> parse_topic_class(std::string_view name) {
  for (auto c : {TopicClass::fact, TopicClass::ephemeral, TopicClass::commands, TopicClass::decisions, TopicClass::dead_letters}) {
    if (name_of(c) == name) return c;
  }
  return std::nullopt;
}

bool is_topic_name(std::string_view name) {
  const auto dot = name.find('.');
  if (name.size() > 200 || dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return false;
  return std::all_of(name.begin(), name.end(), [&](const char& c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && &c == &name[dot]);
  });
}

std::size_t LaneBatch::size_bytes() const {
  std::size_t size = 0;
  for (const auto& topic : topics) size += topic.records.size_bytes();
  for (const auto& moved : moves) {
    for (const auto& record : moved.records) size += record.size_bytes();
  }
  return size;
}

}  // namespace tidemark::log
