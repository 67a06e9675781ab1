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
  constexpr std::string_view kHex = "0123456789abcdef";
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

}  // namespace

std::string_view name_of(Level level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Level>(found - kNames.begin());
}

void set_level(Level level) { lowest.store(level, std::memory_order_relaxed); }
bool is_enabled(Level level) { return level >= lowest.load(std::memory_order_relaxed); }

std::string format_line(std::string_view time, Level level, std::string_view message, std::initializer_list<Field> fields) {
  std::string line = "time=";
  line += time;
  line += " level=";
  line += name_of(level);
  line += " msg=";
  put_value(line, message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    put_value(line, field.value);
  }
  return line;
}

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!is_enabled(level)) return;
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::string line = format_line(to_rfc3339(now), level, message, fields);
  line += '\n';
  // A log line that cannot be written has nowhere else to go.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tidemark::observe
