#pragma once
// Request heads (RFC 9112): found, tokenised by Beast's parser, and checked by hand where that parser is lenient.
// Everything refused here ends the connection: after it nobody can say where the next request begins.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http/http.hpp"

namespace tidemark::http {

struct HeadLimits {
  std::size_t header_bytes_max = 32u << 10;  ///< of the whole head
  std::size_t target_bytes_max = 8u << 10;
  std::size_t fields_max = 128;
};

/// Views are into the bytes that were parsed.
struct Head {
  Method method = Method::other;
  std::string_view method_name;
  std::string_view target;
  int minor_version = 1;
  std::vector<std::pair<std::string_view, std::string_view>> fields;  ///< in order; values without surrounding white space

  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;

  std::optional<std::string_view> field(std::string_view name) const;  ///< the first; case-insensitive
  void clear();
};

struct Refusal {
  Fault fault = Fault::bad_request;
  std::string_view detail;  ///< static
};

/// Looks for the end of a head in bytes that arrive piece by piece, and refuses early what can never become one.
class HeadScanner {
 public:
  enum class State { need_more, complete, refused };
  /// `bytes` is everything received of this head so far (an earlier prefix must be unchanged).
  State scan(std::string_view bytes, const HeadLimits& limits);
  std::size_t head_bytes() const { return end_; }  ///< when complete: with the final empty line
  const Refusal& refusal() const { return refusal_; }
  bool untouched() const { return scanned_ == 0; }
  void reset() { *this = HeadScanner(); }

 private:
  State refuse(Fault fault, std::string_view detail);
  std::size_t scanned_ = 0;
  std::size_t line_begin_ = 0;
  bool first_line_ = true;
  std::size_t end_ = 0;
  Refusal refusal_;
};

/// Parses a complete head. nullopt when it is accepted. On a refusal `head.target` is set when it could be told.
std::optional<Refusal> parse_head(std::string_view bytes, const HeadLimits& limits, Head& head);

/// ASCII, case-insensitive.
bool same_token(std::string_view a, std::string_view b);
/// Does a comma-separated list contain `token`?
bool list_has(std::string_view list, std::string_view token);
std::string_view trimmed(std::string_view text);  ///< without spaces and tabs at both ends
bool is_token_char(char c);                       ///< RFC 9110 tchar

}  // namespace tidemark::http
