// The body side of a connection: Content-Length and chunked bodies, 100-continue, deadlines, multipart.

#include <algorithm>
#include <cstring>

#include "core/http/connection_io.hpp"
#include "core/http/multipart.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kBodyBufferBytes = 128u << 10;
constexpr std::uint64_t kDrainBytesMax = 256u << 10;
constexpr Duration kDrainStall = std::chrono::seconds(5);
constexpr const char* kBrokenChunks = "the chunked coding of the request body is broken";

std::uint64_t limit_of(const RouteOptions& options, std::uint64_t bytes_max) {
  return options.handler_checks_length ? bytes_max : std::min(bytes_max, options.body_bytes_max);
}

Error too_large(std::uint64_t bytes_max) {
  return make_error(Code::exhausted, "the request body is larger than " + std::to_string(bytes_max) + " bytes");
}

}  // namespace

void Connection::begin_body() {
  chunks_ = ChunkedDecoder();
  body_left_ = head_.content_length.value_or(0);
  body_done_ = !has_body();
  body_failed_ = body_opened_ = false;
  body_in_head_buffer_ = true;
  body_read_ = 0;
  continue_wanted_ = head_.expects_continue && !body_done_;
  body_deadline_ = SteadyTime::max();
}

/// Before the first read: refuses a declared length over the limit, then asks for the body if the client waits for it.
std::optional<Error> Connection::open_body(std::uint64_t bytes_max) {
  if (body_failed_) return make_error(Code::cancelled, "the request body cannot be read any further");
  if (head_.content_length.value_or(0) > bytes_max) return too_large(bytes_max);
  if (std::exchange(body_opened_, true) || body_done_) return std::nullopt;
  const Duration deadline = route_->route.options.body_deadline;
  if (deadline.count() > 0) body_deadline_ = core_->scheduler.now() + deadline;
  if (std::exchange(continue_wanted_, false) && in_.size() == 0) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    // The first bytes on this connection since the last response was taken by the socket: they fit its buffer.
    const iovec piece{const_cast<char*>(kContinue.data()), kContinue.size()};
    if (transport_.try_write(&piece, 1, false).bytes != kContinue.size()) return body_error(make_error(Code::cancelled, "the peer is gone"));
  }
  return std::nullopt;
}

Error Connection::body_error(Error error) {
  body_failed_ = true;
  return error;
}

Connection::Decoded Connection::decode_buffered(std::string_view& piece) {
  if (body_done_) return Decoded::done;
  Buffer& from = body_in_head_buffer_ ? in_ : body_;
  if (from.size() == 0) return Decoded::need_more;
  if (!head_.chunked) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(from.size(), body_left_));
    piece = from.view().substr(0, take);
    from.begin += take;
    body_left_ -= take;
    body_done_ = body_left_ == 0;
    return Decoded::piece;
  }
  const auto step = chunks_.decode(from.data.get() + from.begin, from.size());
  piece = from.view().substr(0, step.produced);
  from.begin += step.consumed;
  if (chunks_.bad()) return Decoded::bad;
  body_done_ = chunks_.done();
  if (step.produced != 0) return Decoded::piece;
  return body_done_ ? Decoded::done : Decoded::need_more;
}

/// Reads more of the body from the socket. Everything buffered has been decoded.
Task<Result<void>> Connection::fill() {
  body_in_head_buffer_ = false;
  if (!body_.data) {
    const auto wanted = head_.chunked ? kBodyBufferBytes : std::clamp<std::uint64_t>(body_left_, 4096, kBodyBufferBytes);
    body_.capacity = static_cast<std::size_t>(wanted);
    body_.data = std::make_unique_for_overwrite<char[]>(body_.capacity);
  }
  body_.begin = body_.end = 0;
  // Never past the end of a body of known length: what follows belongs to the next head.
  const std::uint64_t room = head_.chunked ? body_.capacity : std::min<std::uint64_t>(body_.capacity, body_left_);
  arm(core_->options.stall_timeout);
  deadline_ = std::min(deadline_, body_deadline_);
  AsyncRead read(*this, body_.data.get(), static_cast<std::size_t>(room));
  const IoResult got = co_await read;
  disarm();
  if (!got.failed) {
    body_.end = got.bytes;
    co_return Result<void>();
  }
  if (expired_) co_return body_error(make_error(Code::timed_out, "the request body did not arrive in time"));
  co_return body_error(make_error(Code::cancelled, "the connection ended within the request body"));
}

Result<void> Connection::count_body(std::size_t bytes, std::uint64_t bytes_max) {
  body_read_ += bytes;
  if (body_read_ <= bytes_max) return {};
  return body_error(too_large(bytes_max));
}

Task<Result<std::string>> Connection::read_body(std::size_t bytes_max) {
  const std::uint64_t limit = limit_of(route_->route.options, bytes_max);
  if (auto refused = open_body(limit)) co_return std::move(*refused);
  std::string out;
  while (true) {
    std::string_view piece;
    const Decoded decoded = decode_buffered(piece);
    if (decoded == Decoded::done) co_return out;
    if (decoded == Decoded::bad) co_return body_error(make_error(Code::invalid_argument, kBrokenChunks));
    if (decoded == Decoded::piece) {
      if (auto counted = count_body(piece.size(), limit); !counted) co_return counted.take_error();
      out.append(piece);
      continue;
    }
    Result<void> filled = co_await fill();
    if (!filled) co_return filled.take_error();
  }
}

Task<Result<void>> Connection::read_stream(std::function<Task<Result<void>>(std::string_view)> consume,
                                           std::uint64_t bytes_max) {
  const std::uint64_t limit = limit_of(route_->route.options, bytes_max);
  if (auto refused = open_body(limit)) co_return std::move(*refused);
  while (true) {
    std::string_view piece;
    const Decoded decoded = decode_buffered(piece);
    if (decoded == Decoded::done) co_return Result<void>();
    if (decoded == Decoded::bad) co_return body_error(make_error(Code::invalid_argument, kBrokenChunks));
    if (decoded == Decoded::need_more) {
      Result<void> filled = co_await fill();
      if (!filled) co_return filled.take_error();
      continue;
    }
    if (auto counted = count_body(piece.size(), limit); !counted) co_return counted.take_error();
    Task<Result<void>> consuming = consume(piece);
    Result<void> consumed = co_await std::move(consuming);
    if (!consumed) co_return consumed.take_error();
  }
}

Task<Result<void>> Connection::read_multipart(MultipartSink& sink, MultipartLimits limits) {
  const auto content_type = header("content-type");
  auto boundary = content_type ? multipart_boundary(*content_type) : std::nullopt;
  if (!boundary || header_count("content-type") != 1) {
    co_return make_error(Code::invalid_argument, "the content type is not multipart/form-data with a boundary");
  }
  MultipartParser parser(std::move(*boundary), limits.parts_max, limits.part_head_bytes_max);
  auto consume = [&parser, &sink](std::string_view piece) -> Task<Result<void>> {
    parser.feed(piece);
    while (true) {
      const auto event = parser.next();
      if (event == MultipartParser::Event::need_more) co_return Result<void>();
      if (event == MultipartParser::Event::failed) co_return parser.error();
      Task<Result<void>> step;
      if (event == MultipartParser::Event::part_begin) step = sink.begin_part(parser.part());
      if (event == MultipartParser::Event::data) step = sink.part_data(parser.data());
      if (event == MultipartParser::Event::part_end) step = sink.end_part();
      Result<void> done = co_await std::move(step);
      if (!done) co_return done.take_error();
    }
  };
  const std::uint64_t bytes_max = limits.body_bytes_max != 0 ? limits.body_bytes_max : route_->route.options.body_bytes_max;
  std::function<Task<Result<void>>(std::string_view)> each = std::ref(consume);
  Task<Result<void>> reading = read_stream(std::move(each), bytes_max);
  Result<void> read = co_await std::move(reading);
  if (!read) co_return read.take_error();
  co_return parser.end();
}

/// After the response: reads away what is left of a body when that is little. False when the connection must end.
Task<bool> Connection::drain() {
  std::uint64_t drained = 0;
  body_deadline_ = core_->scheduler.now() + kDrainStall;
  while (true) {
    std::string_view piece;
    const Decoded decoded = decode_buffered(piece);
    if (decoded == Decoded::done) co_return true;
    if (decoded == Decoded::bad) co_return false;
    if (decoded == Decoded::piece) {
      drained += piece.size();
      if (drained > kDrainBytesMax) co_return false;
      continue;
    }
    Result<void> filled = co_await fill();
    if (!filled) co_return false;
  }
}

/// What a small unread rest of the body means for the connection; called before the response is rendered.
void Connection::settle_keep_alive() {
  keep_ = head_.keep_alive && !response_.close && !core_->stopping && !body_failed_;
  if (!body_done_ && !body_failed_ && !continue_wanted_ && head_.chunked) {
    std::string_view ignored;
    Decoded decoded = Decoded::piece;
    while (decoded == Decoded::piece) decoded = decode_buffered(ignored);
    if (decoded == Decoded::bad) body_failed_ = true;
  }
  linger_ = !body_done_ || body_failed_;
  if (!linger_) return;
  // A client that still waits for 100 may or may not send its body: nobody can say what its next bytes are.
  if (body_failed_ || continue_wanted_ || head_.chunked || body_left_ > kDrainBytesMax) keep_ = false;
}

/// Makes what was received after the body the beginning of the next head.
void Connection::end_body() {
  if (!body_in_head_buffer_ && body_.size() != 0) {
    in_.begin = in_.end = 0;
    in_.reserve_free(body_.size(), body_.size());
    std::memcpy(in_.data.get(), body_.data.get() + body_.begin, body_.size());
    in_.end = body_.size();
  }
  body_.release();
}

}  // namespace tidemark::http
