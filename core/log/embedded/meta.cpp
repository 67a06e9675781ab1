#include "core/log/embedded/meta.hpp"

#include <algorithm>
#include <optional>

#include "core/log/embedded/checked_text.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kForm = "tidemark-journal";

bool parse_topic(std::string_view line, JournalMeta& meta) {
  const auto id = parse_number(take_word(line));
  const auto topic_class = parse_topic_class(take_word(line));
  auto retention = take_word(line);
  if (!id || *id != meta.topics.size() || !topic_class || !is_topic_name(line)) return false;
  TopicSpec spec{std::string(line), *topic_class};
  if (const auto slash = retention.find('/'); slash != retention.npos) {
    spec.retention_bytes = parse_number(retention.substr(slash + 1));
    if (!spec.retention_bytes) return false;
    retention = retention.substr(0, slash);
  }
  if (retention != "forever") {
    const auto ms = parse_number(retention);
    if (!ms) return false;
    spec.retention = Duration(static_cast<std::int64_t>(*ms));
  }
  meta.topics.push_back(std::move(spec));
  return true;
}

bool parse_line(std::string_view line, JournalMeta& meta) {
  const auto word = take_word(line);
  if (word == "topic") return parse_topic(line, meta);
  if (word == "lanes") {
    const auto lanes = parse_number(line);
    if (!lanes || *lanes == 0 || *lanes > kLanesMax) return false;
    meta.lanes = static_cast<std::uint32_t>(*lanes);
    return true;
  }
  if (word == "epoch") {
    const auto epoch = parse_uuid(line);
    if (!epoch) return false;
    meta.epoch = *epoch;
    return true;
  }
  return false;
}

}  // namespace

std::string render_meta(const JournalMeta& meta) {
  std::string out = "epoch " + to_string(meta.epoch) + "\nlanes " + std::to_string(meta.lanes) + "\n";
  for (std::size_t id = 0; id < meta.topics.size(); ++id) {
    const auto& topic = meta.topics[id];
    out += "topic " + std::to_string(id) + " " + std::string(name_of(topic.topic_class)) + " " +
           (topic.retention ? std::to_string(topic.retention->count()) : "forever") +
           (topic.retention_bytes ? "/" + std::to_string(*topic.retention_bytes) : "") + " " + topic.name + "\n";
  }
  return render_checked(kForm, out);
}

Result<JournalMeta> parse_meta(std::string_view bytes) {
  auto lines = parse_checked(kForm, "meta", bytes);
  if (!lines) return lines.take_error();
  JournalMeta meta;
  bool good = true;
  for (const auto line : *lines) good = good && parse_line(line, meta);
  if (!good || meta.lanes == 0 || render_meta(meta) != bytes) return bad_text("meta");
  return meta;
}

}  // namespace tidemark::log
