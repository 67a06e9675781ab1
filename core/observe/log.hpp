#pragma once
// The process's own log: one line per entry on standard error, logfmt or JSON. A constant message, then fields.
//   trace per event, debug per batch or checkpoint, info for start, stop, assignment and fencing, warning for what was handled,
//   error when a person should look. Pure code does not log.

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::observe {

enum class Level { trace, debug, info, warning, error };
std::string_view name_of(Level level);
std::optional<Level> parse_level(std::string_view name);

/// How a line is written: time=.. level=.. msg=.. name=value, or a JSON object with the same members in the same order.
enum class Format { logfmt, json };
std::optional<Format> parse_format(std::string_view name);

/// A named value. Never a secret, never personal data. Names are [a-z_]+.
struct Field {
  std::string_view name;
  std::string value;
  bool is_number = false;

  Field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  Field(std::string_view field_name, const char* text) : name(field_name), value(text) {}
  Field(std::string_view field_name, const std::string& text) : name(field_name), value(text) {}
  Field(std::string_view field_name, std::integral auto number) : name(field_name), value(std::to_string(number)), is_number(true) {}
};

/// logfmt at start.
void set_format(Format format);
/// Entries below this level are dropped; info at start.
void set_level(Level level);
bool is_enabled(Level level);

/// Writes the entry with one write(2), so that lines of several threads never mix. Any thread.
void log(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) { log(Level::debug, message, fields); }
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) { log(Level::info, message, fields); }
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) { log(Level::warning, message, fields); }
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) { log(Level::error, message, fields); }

/// The line without its end, for tests: `time` is the RFC 3339 text.
std::string format_line(Format format, std::string_view time, Level level, std::string_view message,
                        std::initializer_list<Field> fields);

}  // namespace tidemark::observe
