#pragma once
// Internal to core/http/relay: reads an answer piece by piece (RFC 9112). No sockets.

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "core/http/http.hpp"

namespace tidemark::http {

class AnswerReader {
 public:
  explicit AnswerReader(bool of_head_request) : of_head_request_(of_head_request) { parser_.emplace(); prepare(); }

  enum class State { need_more, done };
  /// Takes the head from what has come; interim answers are passed over. invalid_argument when it is none.
  Result<State> read_head();
  /// The next piece of the body, at most `size` bytes; "" with need_more: more is wanted first; "" with done: there is no more.
  Result<State> read_body(std::size_t size, std::string& piece);
  void feed(std::string_view bytes) { in_.append(bytes); }
  /// The peer has ended.
  Result<void> feed_end();

  int status() const { return static_cast<int>(parser_->get().result_int()); }
  /// Without those that concern the connection and the framing.
  Headers fields() const;
  /// Given by Content-Length.
  std::optional<std::uint64_t> length() const;
  bool is_done() const { return parser_->is_done(); }

 private:
  void prepare();
  Result<State> put();

  const bool of_head_request_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> parser_;
  std::string in_;
  bool ended_ = false;
};

/// True for fields that concern one connection (RFC 9110 section 7.6.1), and those that the server writes itself.
bool concerns_connection(std::string_view name);

}  // namespace tidemark::http
