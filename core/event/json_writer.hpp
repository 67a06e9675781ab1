#pragma once
// Writing JSON: no white space, members in the order given, numbers the ECMAScript way. Appends to a string of the caller.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidemark::event {

/// Appends `text` as a JSON string, quotes included. Escapes what JSON must (quote, backslash, U+0000 to U+001F); a byte
/// that is not UTF-8 becomes U+FFFD, so that what is written always parses.
void write_json_string(std::string& out, std::string_view text);
/// The same, returned.
std::string escape_json_string(std::string_view text);

/// Appends the shortest text that gives the same double again, as JSON.stringify does: -0 is 0, NaN and infinities null.
void write_json_double(std::string& out, double value);
void write_json_int(std::string& out, std::int64_t value);
void write_json_uint(std::string& out, std::uint64_t value);

/// Incremental writer for documents made by hand. The caller keeps the nesting right; commas and colons are written by it.
///
///   JsonWriter json(out);
///   json.begin_object().key("id").value(id).key("events").begin_array();
///   ...
///   json.end_array().end_object();
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { separate(); out_.push_back('{'); comma_ = false; return *this; }
  JsonWriter& end_object() { out_.push_back('}'); comma_ = true; return *this; }
  JsonWriter& begin_array() { separate(); out_.push_back('['); comma_ = false; return *this; }
  JsonWriter& end_array() { out_.push_back(']'); comma_ = true; return *this; }
  JsonWriter& key(std::string_view name) {
    separate();
    write_json_string(out_, name);
    out_.push_back(':');
    comma_ = false;
    return *this;
  }

  JsonWriter& value(std::string_view text) { separate(); write_json_string(out_, text); comma_ = true; return *this; }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(double number) { separate(); write_json_double(out_, number); comma_ = true; return *this; }
  template <class Int>
    requires(std::integral<Int> && !std::same_as<Int, bool>)
  JsonWriter& value(Int number) {
    separate();
    if constexpr (std::is_signed_v<Int>) write_json_int(out_, number);
    else write_json_uint(out_, number);
    comma_ = true;
    return *this;
  }
  JsonWriter& null() { return raw("null"); }
  /// A value that is JSON already, byte for byte.
  JsonWriter& raw(std::string_view json) { separate(); out_.append(json); comma_ = true; return *this; }

  /// key and value in one; `member(name, value)` for everything value() takes.
  template <class T>
  JsonWriter& member(std::string_view name, const T& v) { return key(name).value(v); }

 private:
  void separate() { if (comma_) out_.push_back(','); }
  std::string& out_;
  bool comma_ = false;
};

}  // namespace tidemark::event
