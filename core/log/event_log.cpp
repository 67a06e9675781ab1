#include "core/log/event_log.hpp"

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

std::size_t LaneBatch::size_bytes() const {
  std::size_t size = 0;
  for (const auto& topic : topics) size += topic.records.size_bytes();
  return size;
}

}  // namespace tidemark::log
