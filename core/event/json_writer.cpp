#include "core/event/json_writer.hpp"

#include <double-conversion/double-to-string.h>

#include <array>
#include <charconv>
#include <cmath>

namespace tidemark::event {

namespace {

enum class Byte : unsigned char { plain, escape, wide };

constexpr std::array<Byte, 256> kBytes = [] {
  std::array<Byte, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = Byte::escape;
  table['"'] = table['\\'] = Byte::escape;
  for (std::size_t i = 0x80; i < 256; ++i) table[i] = Byte::wide;
  return table;
}();

// Length of the well-formed sequence at `at` that begins with a byte >= 0x80, or 0.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2) || (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3) || (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void put_escape(std::string& out, char c) {
  switch (c) {
    case '"': out.append("\\\""); return;
    case '\\': out.append("\\\\"); return;
    case '\b': out.append("\\b"); return;
    case '\f': out.append("\\f"); return;
    case '\n': out.append("\\n"); return;
    case '\r': out.append("\\r"); return;
    case '\t': out.append("\\t"); return;
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  out.append("\\u00");
  out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
  out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
}

}  // namespace

void write_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t run = 0, at = 0;
  while (at < text.size()) {
    const Byte kind = kBytes[static_cast<unsigned char>(text[at])];
    if (kind == Byte::plain) {
      ++at;
    } else if (kind == Byte::wide) {
      const std::size_t length = sequence_length(text, at);
      if (length == 0) {
        out.append(text, run, at - run);
        out.append("\xEF\xBF\xBD");
        run = ++at;
      } else {
        at += length;
      }
    } else {
      out.append(text, run, at - run);
      put_escape(out, text[at]);
      run = ++at;
    }
  }
  out.append(text, run, at - run);
  out.push_back('"');
}

std::string escape_json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  write_json_string(out, text);
  return out;
}

void write_json_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out.append("null");
    return;
  }
  char buffer[32];
  double_conversion::StringBuilder builder(buffer, sizeof buffer);
  double_conversion::DoubleToStringConverter::EcmaScriptConverter().ToShortest(value, &builder);
  const int length = builder.position();
  out.append(buffer, static_cast<std::size_t>(length));
  builder.Finalize();
}

void write_json_int(std::string& out, std::int64_t value) {
  char buffer[24];
  out.append(buffer, static_cast<std::size_t>(std::to_chars(buffer, buffer + sizeof buffer, value).ptr - buffer));
}

void write_json_uint(std::string& out, std::uint64_t value) {
  char buffer[24];
  out.append(buffer, static_cast<std::size_t>(std::to_chars(buffer, buffer + sizeof buffer, value).ptr - buffer));
}

}  // namespace tidemark::event
