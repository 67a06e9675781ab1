#pragma once
// One recorded request with the answers of two servers: a line of NDJSON (docs/formats/shadow-pairs.md).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::shadow {

/// What was sent or answered. Large bodies may be recorded as hash and size only.
struct Body {
  std::string bytes;        ///< empty when hashed
  bool hashed = false;
  std::string sha256;       ///< lower-case hex; only when hashed
  std::uint64_t size = 0;   ///< only when hashed

  std::uint64_t size_bytes() const { return hashed ? size : bytes.size(); }
  std::string digest() const;  ///< lower-case hex SHA-256
};

struct Message {
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  Body body;

  /// The first of that name (lower case).
  std::optional<std::string_view> header(std::string_view name) const;
};

struct Request : Message {
  std::string method, target;
};
struct Response : Message {
  int status = 0;
};

struct Pair {
  Request request;
  Response primary;
  std::optional<Response> shadow;  ///< absent in a recording that has not been replayed yet
  std::string not_replayed;        ///< why the replay has no answer of the shadow; empty when it has
};

/// invalid_argument says what is wrong, with a JSON Pointer: not JSON, a member missing, unknown or of another type, bad base64.
Result<Pair> parse_pair(std::string_view line);

/// Appends the line, line feed included: UTF-8 bodies as text, others as base64.
void write_pair(const Pair& pair, std::string& out);

}  // namespace tidemark::shadow
