#include "core/log/embedded/meta.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/bytes.hpp"
#include "core/log/embedded/layout.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kFirstLine = "tidemark-journal 1";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

std::optional<TopicClass> parse_class(std::string_view name) {
  for (auto c : {TopicClass::fact, TopicClass::ephemeral, TopicClass::commands, TopicClass::decisions, TopicClass::dead_letters}) {
    if (name_of(c) == name) return c;
  }
  return std::nullopt;
}

bool parse_topic(std::string_view line, JournalMeta& meta) {
  const auto id = number(take_word(line));
  const auto topic_class = parse_class(take_word(line));
  const auto retention = take_word(line);
  if (!id || *id != meta.topics.size() || !topic_class || !is_topic_name(line)) return false;
  TopicSpec spec{std::string(line), *topic_class, std::nullopt};
  if (retention != "forever") {
    const auto ms = number(retention);
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
    const auto lanes = number(line);
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
  return word == "crc32c";
}

}  // namespace

bool is_topic_name(std::string_view name) {
  const auto dot = name.find('.');
  if (name.size() > 200 || dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return false;
  return std::all_of(name.begin(), name.end(), [&](const char& c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && &c == &name[dot]);
  });
}

std::string render_meta(const JournalMeta& meta) {
  std::string out(kFirstLine);
  out += "\nepoch " + to_string(meta.epoch) + "\nlanes " + std::to_string(meta.lanes) + "\n";
  for (std::size_t id = 0; id < meta.topics.size(); ++id) {
    const auto& topic = meta.topics[id];
    out += "topic " + std::to_string(id) + " " + std::string(name_of(topic.topic_class)) + " " +
           (topic.retention ? std::to_string(topic.retention->count()) : "forever") + " " + topic.name + "\n";
  }
  std::string crc;
  put_u32_be(crc, crc32c(out));
  return out + "crc32c " + to_hex(crc) + "\n";
}

Result<JournalMeta> parse_meta(std::string_view bytes) {
  const auto first_end = bytes.find('\n');
  const auto first = bytes.substr(0, first_end);
  if (first != kFirstLine && first.starts_with("tidemark-journal ") && bytes.size() > 16) {
    // Only a file whose checksum holds may claim to be newer; anything else is damage.
    const auto last = bytes.rfind("crc32c ");
    if (last != std::string_view::npos) {
      std::string crc;
      put_u32_be(crc, crc32c(bytes.substr(0, last)));
      if (bytes.substr(last) == "crc32c " + to_hex(crc) + "\n") {
        return make_error(Code::unsupported_version, "meta: written by a newer build (" + std::string(first) + ")");
      }
    }
  }
  const auto bad = make_error(Code::corrupt, "meta: its content does not fit its checksum or form");
  if (first != kFirstLine || first_end == std::string_view::npos) return bad;
  JournalMeta meta;
  for (std::size_t at = first_end + 1; at < bytes.size();) {
    const auto end = bytes.find('\n', at);
    if (end == std::string_view::npos || !parse_line(bytes.substr(at, end - at), meta)) return bad;
    at = end + 1;
  }
  if (meta.lanes == 0 || render_meta(meta) != bytes) return bad;
  return meta;
}

}  // namespace tidemark::log
