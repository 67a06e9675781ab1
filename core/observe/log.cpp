#include "core/observe/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include "core/base/time.hpp"

namespace tidemark::observe {
namespace {

constexpr std::array<std::string_view, 5> kNames{"trace", "debug", "info", "warning", "error"};
std::atomic<Level> lowest{Level::info};
std::atomic<Format> shape{Format::logfmt};

constexpr std::string_view kHex = "0123456789abcdef";

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  return std::any_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f;
  });
}

void put_value(std::string& out, std::string_view value) {
  if (!needs_quotes(value)) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void put_logfmt(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ' ';
  out += name;
  out += '=';
  put_value(out, value);
}

/// Bytes in the UTF-8 sequence that `text` begins with; 0 when it begins with none (RFC 3629: no overlong forms, no surrogates).
std::size_t utf8_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool usual = !(first == 0xe0 && at(1) < 0xa0) && !(first == 0xed && at(1) > 0x9f);
    return usual && follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool usual = !(first == 0xf0 && at(1) < 0x90) && !(first == 0xf4 && at(1) > 0x8f);
    return usual && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void put_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (size == 0) {
      out += "\\ufffd";
    } else if (size == 1 && (byte < 0x20 || byte == 0x7f)) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

void put_json(std::string& out, const Field& field) {
  out += out.empty() ? '{' : ',';
  put_json_text(out, field.name);
  out += ':';
  if (field.is_number) out += field.value;
  else put_json_text(out, field.value);
}

}  // namespace

std::string_view name_of(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Level>(found - kNames.begin());
}

std::optional<Format> parse_format(std::string_view name) {
  if (name == "logfmt") return Format::logfmt;
  if (name == "json") return Format::json;
  return std::nullopt;
}

void set_format(Format format) { shape.store(format, std::memory_order_relaxed); }
void set_level(Level level) { lowest.store(level, std::memory_order_relaxed); }
bool is_enabled(Level level) { return level >= lowest.load(std::memory_order_relaxed); }

std::string format_line(Format format, std::string_view time, Level level, std::string_view message,
                        std::initializer_list<Field> fields) {
  std::string line;
  if (format == Format::logfmt) {
    put_logfmt(line, "time", time);
    put_logfmt(line, "level", name_of(level));
    put_logfmt(line, "msg", message);
    for (const Field& field : fields) put_logfmt(line, field.name, field.value);
    return line;
  }
  put_json(line, {"time", time});
  put_json(line, {"level", name_of(level)});
  put_json(line, {"msg", message});
  for (const Field& field : fields) put_json(line, field);
  return line + '}';
}

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!is_enabled(level)) return;
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::string line = format_line(shape.load(std::memory_order_relaxed), to_rfc3339(now), level, message, fields);
  line += '\n';
  // A log line that cannot be written has nowhere else to go.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tidemark::observe
