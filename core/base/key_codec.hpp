#pragma once
// Key parts: how the parts of a row key become bytes that sort as the values do (docs/formats/rows.md).
//
// Every encoding is self-delimiting, so parts are simply appended and a leading group of parts is a prefix of exactly the
// keys that begin with those values:
//   string    its bytes, 0x00 written as 00 ff, then the end mark 00 01
//   integer   big-endian in its own width, the sign bit of signed ones flipped; bool one byte; enum as its integer
//   Time      as its milliseconds, 8 bytes; Uuid as its 16 bytes
//   optional  00 when empty, else 01 and the value
//   a field kind or strong id with one member `value`: as that
//   Descending<T>: the bytes of T inverted, so newest or largest first
// A table must always use the same type for a part: an int and an int64_t of equal value are different bytes.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/ids.hpp"
#include "core/base/rows.hpp"
#include "core/base/time.hpp"

namespace tidemark {

/// A key part that sorts from the greatest value to the least.
template <class T>
struct Descending {
  T value{};
  Descending() = default;
  Descending(T v) : value(std::move(v)) {}
  bool operator==(const Descending&) const = default;
};

namespace detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsDescending = false;
template <class T>
inline constexpr bool kIsDescending<Descending<T>> = true;
template <class T>
concept HasValueMember = requires(T& t) { t.value; };

template <class T>
void append_integer_part(std::string& out, T value) {
  using Bits = std::make_unsigned_t<T>;
  auto bits = static_cast<Bits>(value);
  if constexpr (std::is_signed_v<T>) bits ^= static_cast<Bits>(Bits{1} << (sizeof(T) * 8 - 1));
  for (std::size_t i = sizeof(T); i-- > 0;) out.push_back(static_cast<char>(bits >> (8 * i)));
}

[[noreturn]] inline void bad_key() { throw RowsUnavailable("a row key does not have the parts of its table"); }

inline unsigned char take_key_byte(std::string_view& key, unsigned char mask) {
  if (key.empty()) bad_key();
  const auto byte = static_cast<unsigned char>(key.front());
  key.remove_prefix(1);
  return byte ^ mask;
}

template <class T>
T take_integer_part(std::string_view& key, unsigned char mask) {
  using Bits = std::make_unsigned_t<T>;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) bits = bits << 8 | take_key_byte(key, mask);
  if constexpr (std::is_signed_v<T>) bits ^= std::uint64_t{1} << (sizeof(T) * 8 - 1);
  return static_cast<T>(static_cast<Bits>(bits));
}

inline void append_string_part(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.push_back('\0');
  out.push_back('\x01');
}

inline void take_string_part(std::string_view& key, std::string& text, unsigned char mask) {
  text.clear();
  for (;;) {
    const unsigned char byte = take_key_byte(key, mask);
    if (byte != 0) {
      text.push_back(static_cast<char>(byte));
      continue;
    }
    const unsigned char mark = take_key_byte(key, mask);
    if (mark == 0x01) return;
    if (mark != 0xff) bad_key();
    text.push_back('\0');
  }
}

template <class T>
void take_key_bits(std::string_view& key, T& part, unsigned char mask) {
  if constexpr (std::is_same_v<T, std::string>) {
    take_string_part(key, part, mask);
  } else if constexpr (std::is_same_v<T, bool>) {
    const unsigned char byte = take_key_byte(key, mask);
    if (byte > 1) bad_key();
    part = byte == 1;
  } else if constexpr (std::is_enum_v<T>) {
    part = static_cast<T>(take_integer_part<std::underlying_type_t<T>>(key, mask));
  } else if constexpr (std::is_integral_v<T>) {
    part = take_integer_part<T>(key, mask);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    for (auto& byte : part.bytes) byte = take_key_byte(key, mask);
  } else if constexpr (std::is_same_v<T, Time>) {
    part = from_ms(take_integer_part<std::int64_t>(key, mask));
  } else if constexpr (kIsOptional<T>) {
    const unsigned char byte = take_key_byte(key, mask);
    if (byte > 1) bad_key();
    part.reset();
    if (byte == 1) take_key_bits(key, part.emplace(), mask);
  } else if constexpr (kIsDescending<T>) {
    take_key_bits(key, part.value, static_cast<unsigned char>(~mask));
  } else {
    static_assert(HasValueMember<T>, "this type cannot be part of a row key");
    take_key_bits(key, part.value, mask);
  }
}

}  // namespace detail

/// Appends one part. Anything that converts to std::string_view is written as a string.
template <class T>
void append_key_part(std::string& out, const T& part) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    detail::append_string_part(out, part);
  } else if constexpr (std::is_same_v<T, bool>) {
    out.push_back(part ? '\x01' : '\0');
  } else if constexpr (std::is_enum_v<T>) {
    detail::append_integer_part(out, static_cast<std::underlying_type_t<T>>(part));
  } else if constexpr (std::is_integral_v<T>) {
    detail::append_integer_part(out, part);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    out.append(part.view());
  } else if constexpr (std::is_same_v<T, Time>) {
    detail::append_integer_part(out, to_ms(part));
  } else if constexpr (detail::kIsOptional<T>) {
    out.push_back(part ? '\x01' : '\0');
    if (part) append_key_part(out, *part);
  } else if constexpr (detail::kIsDescending<T>) {
    const std::size_t start = out.size();
    append_key_part(out, part.value);
    for (std::size_t i = start; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
  } else {
    static_assert(detail::HasValueMember<T>, "this type cannot be part of a row key");
    append_key_part(out, part.value);
  }
}

/// Takes one part from the front of `key`. T is what append_key_part was given, std::string for every string.
///   errors   throws RowsUnavailable when the bytes are not such a part
template <class T>
void take_key_part(std::string_view& key, T& part) {
  detail::take_key_bits(key, part, 0);
}

}  // namespace tidemark
