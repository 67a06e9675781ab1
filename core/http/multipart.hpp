#pragma once
// multipart/form-data (RFC 7578, RFC 2046 section 5.1), parsed as it arrives. Knows no sockets and no coroutines.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/http.hpp"

namespace tidemark::http {

/// The boundary of a Content-Type "multipart/form-data; boundary=...": 1 to 70 characters. nullopt for any other type.
std::optional<std::string> multipart_boundary(std::string_view content_type);

/// Push the body in with feed(), then call next() until need_more. Pieces may be cut anywhere. Holds at most one part
/// head; data are handed out as views into what was fed.
class MultipartParser {
 public:
  enum class Event {
    need_more,   ///< feed() the next piece, or end()
    part_begin,  ///< part() describes it
    data,        ///< data() is the next piece of its content; valid until the next call of next() or feed()
    part_end,
    failed,      ///< error(): invalid_argument for bad syntax and for the limits of parts; stays failed
  };
  MultipartParser(std::string boundary, std::size_t parts_max, std::size_t part_head_bytes_max);

  /// Only after need_more (or first). `bytes` must stay until the next need_more.
  void feed(std::string_view bytes);
  Event next();
  /// The body has ended. ok only when the closing delimiter was seen.
  Result<void> end() const;

  const PartHead& part() const { return part_; }
  std::string_view data() const { return data_; }
  const Error& error() const { return error_; }

 private:
  enum class State { content, after_delimiter, first_dash, padding, line_feed, part_head, epilogue, failed };
  Event fail(Code code, const char* message);
  Event scan_content();
  Event scan_head();
  bool parse_part_head();
  bool parse_disposition(std::string_view value);
  Event delimiter_found();

  const std::string delimiter_;  ///< CR LF "--" boundary
  const std::size_t parts_max_;
  const std::size_t part_head_bytes_max_;

  State state_ = State::content;
  bool in_part_ = false;       ///< false in the preamble
  std::size_t matched_ = 2;    ///< bytes of the delimiter matched at the end of the last piece; the body begins as after CR LF
  bool virtual_line_ = true;   ///< the CR LF in `matched_` is no content: begin of the body, or end of a part's head
  std::string_view input_;
  std::string_view data_;
  std::string head_;
  std::size_t padding_ = 0;
  std::size_t parts_ = 0;
  PartHead part_;
  Error error_;
};

}  // namespace tidemark::http
