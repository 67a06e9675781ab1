#include "core/http/relay/answer_reader.hpp"

#include <algorithm>

#include "core/http/head.hpp"

namespace tidemark::http {
namespace {

namespace bh = boost::beast::http;
constexpr std::uint32_t kHeaderBytesMax = 64u << 10;

Error malformed(const boost::system::error_code& error) { return make_error(Code::unavailable, "the answer is malformed: " + error.message()); }

}  // namespace

bool concerns_connection(std::string_view name) {
  static constexpr std::string_view kNames[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "te", "trailer", "upgrade",
                                                "expect", "host", "date", "server"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view own) { return same_token(own, name); });
}

void AnswerReader::prepare() {
  parser_->header_limit(kHeaderBytesMax);
  parser_->body_limit(boost::none);
  if (of_head_request_) parser_->skip(true);
}

Result<AnswerReader::State> AnswerReader::read_head() {
  while (true) {
    boost::system::error_code error;
    if (!in_.empty()) in_.erase(0, parser_->put(boost::asio::buffer(in_), error));
    if (error && error != bh::error::need_more) return malformed(error);
    if (!parser_->is_header_done()) return in_.size() > kHeaderBytesMax ? Result<State>(malformed(bh::make_error_code(bh::error::header_limit))) : Result<State>(State::need_more);
    if (status() >= 200) return State::done;
    if (status() == 101) return make_error(Code::unavailable, "the node wants to change the protocol");
    parser_.emplace();
    prepare();
  }
}

Result<AnswerReader::State> AnswerReader::read_body(std::size_t size, std::string& piece) {
  piece.clear();
  while (!parser_->is_done()) {
    piece.resize(size);
    auto& body = parser_->get().body();
    body.data = piece.data();
    body.size = piece.size();
    body.more = true;
    boost::system::error_code error;
    std::size_t used = 0;
    if (!in_.empty()) used = parser_->put(boost::asio::buffer(in_), error);
    in_.erase(0, used);
    piece.resize(size - parser_->get().body().size);
    if (error && error != bh::error::need_more && error != bh::error::need_buffer) return malformed(error);
    if (!piece.empty()) return parser_->is_done() ? State::done : State::need_more;
    if (used == 0 && !parser_->is_done()) return State::need_more;
  }
  return State::done;
}

Result<void> AnswerReader::feed_end() {
  boost::system::error_code error;
  parser_->put_eof(error);
  if (error) return make_error(Code::unavailable, "the node went away in the middle of its answer");
  return {};
}

Headers AnswerReader::fields() const {
  Headers out;
  for (const auto& field : parser_->get()) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    if (!concerns_connection(name)) out.emplace_back(std::string(name), std::string(field.value()));
  }
  return out;
}

std::optional<std::uint64_t> AnswerReader::length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

}  // namespace tidemark::http
