#pragma once
// Field kinds of the contract types: limits that live in the type, so that decoding is validation.

#include <compare>
#include <cstdint>
#include <string>

namespace tidemark::event {

/// UTF-8 text of Min to Max bytes.
template <std::size_t Min, std::size_t Max>
struct Text {
  std::string value;
  static constexpr std::size_t kMin = Min, kMax = Max;
  Text() = default;
  Text(std::string v) : value(std::move(v)) {}
  Text(const char* v) : value(v) {}
  operator const std::string&() const { return value; }
  auto operator<=>(const Text&) const = default;
};

/// Integer in [Min, Max].
template <class Int, Int Min, Int Max>
struct Bounded {
  Int value = Min > 0 ? Min : (Max < 0 ? Max : Int{0});
  static constexpr Int kMin = Min, kMax = Max;
  Bounded() = default;
  Bounded(Int v) : value(v) {}
  operator Int() const { return value; }
  auto operator<=>(const Bounded&) const = default;
};

/// Any JSON value, kept byte for byte. Empty means absent.
struct Json {
  std::string raw;
  auto operator<=>(const Json&) const = default;
};

/// Plain text that exists in requests only. The codec refuses to encode it, and a command, event, reply or row that
/// contains one does not compile.
template <class T>
struct Secret {
  T value;
};

/// Personal data: encrypted in every record under the key of its subject once the installation has a ring for it. In
/// memory it is the plain value. It may not be a key, a subject or a header.
template <class T>
struct Personal {
  T value{};
  auto operator<=>(const Personal&) const = default;
};

/// Bytes that may be too large for a record: up to kClaimedInlineMax inline, above that kept in core/blob under their
/// SHA-256. On the wire: {"inline": "..."} or {"sha256": "<hex>", "size": n}.
inline constexpr std::size_t kClaimedInlineMax = 256u << 10;
struct Claimed {
  std::string inline_bytes;  ///< UTF-8; used when sha256 is empty
  std::string sha256;        ///< lower-case hex
  std::uint64_t size = 0;    ///< bytes, when claimed
  auto operator<=>(const Claimed&) const = default;
};

}  // namespace tidemark::event
