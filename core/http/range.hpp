#pragma once
// Conditional and range requests (RFC 9110 sections 13 and 14) for one representation with a strong entity tag.

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::http {

enum class RangeKind {
  whole,          ///< no usable Range: the field is absent, malformed, of another unit or has several ranges
  part,           ///< 206
  unsatisfiable,  ///< 416
};
struct RangeChoice {
  RangeKind kind = RangeKind::whole;
  std::uint64_t first = 0;
  std::uint64_t size = 0;  ///< bytes; of `part`
};
RangeChoice choose_range(std::string_view range_field, std::uint64_t content_size);

/// If-Range: true only for the identical strong tag. Dates never match: we send none.
bool if_range_holds(std::string_view field, std::string_view etag);
/// If-None-Match: weak comparison; "*" matches.
bool none_match_fails(std::string_view field, std::string_view etag);

}  // namespace tidemark::http
