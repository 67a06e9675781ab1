#pragma once
// Request targets (RFC 9112 section 3.2, origin form) and percent-encoding (RFC 3986 section 2.1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::http {

struct TargetParts {
  std::string_view path;   ///< as sent
  std::string_view query;  ///< after the first '?', without it
};
TargetParts split_target(std::string_view target);

enum class PathDecoding {
  ok,
  bad_escape,  ///< '%' without two hexadecimal digits
  forbidden,   ///< a segment "." or "..", or one with '/', '\\', NUL, a control character or bad UTF-8 once decoded
};

/// A path cut into decoded segments. Views are into the given path when it has no escapes, else into `decoded`; both must
/// outlive it.
struct DecodedPath {
  std::string_view path;  ///< decoded, with its leading and trailing '/'
  std::vector<std::string_view> segments;  ///< without the empty one that a trailing slash makes
  bool trailing_slash = false;
};
PathDecoding decode_path(std::string_view path, std::string& decoded, DecodedPath& out);

/// Value of the first parameter of that name in application/x-www-form-urlencoded `query` ('+' is a space). A '%' that
/// begins no valid escape stands for itself.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

/// Value of a hexadecimal digit, or -1.
int hex_digit(char c);

}  // namespace tidemark::http
