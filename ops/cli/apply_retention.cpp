#include <algorithm>

#include "core/runtime/domain.hpp"
#include "ops/cli/retention.hpp"

namespace tidemark::cli {

Result<void> apply_retention(const Settings& settings, std::vector<runtime::Domain>& domains) {
  const Value& given = settings.value("retention");
  for (const std::string& text : given.texts) {
    const RetentionEntry entry = *parse_retention(text);
    const auto bad = [&](const std::string& expected) { return bad_setting("retention", given, expected); };
    const auto domain = std::find_if(domains.begin(), domains.end(), [&](const auto& d) { return entry.topic.starts_with(d.name + "."); });
    if (domain == domains.end()) return bad("a topic of a domain of this program, which " + entry.topic + " is not");
    if (entry.topic == domain->name + ".decisions") {
      if (!entry.age || entry.bytes) return bad("an age for " + entry.topic + ": decisions are kept by age only");
      domain->decisions_retention = *entry.age;
      continue;
    }
    const auto topic = std::find_if(domain->topics.begin(), domain->topics.end(), [&](const auto& t) { return t.name == entry.topic; });
    if (topic == domain->topics.end() || topic->topic_class != log::TopicClass::ephemeral) {
      return bad("an ephemeral topic or the decisions of a domain, which " + entry.topic + " is not");
    }
    topic->retention = entry.age;
    topic->retention_bytes = entry.bytes;
  }
  return {};
}

}  // namespace tidemark::cli
