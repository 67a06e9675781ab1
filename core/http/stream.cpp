#include "core/http/stream.hpp"

#include <cstdio>

#include "core/http/connection_io.hpp"

namespace tidemark::http {
namespace {

void frame_chunk(std::string& bytes) {
  char line[20];
  const int size = std::snprintf(line, sizeof(line), "%zx\r\n", bytes.size());
  bytes.insert(0, line, static_cast<std::size_t>(size));
  bytes += "\r\n";
}

}  // namespace

Connection::Stream::Stream(Connection& connection, bool chunked, std::string heartbeat, Duration heartbeat_interval)
    : connection_(connection), core_(connection.core_), chunked_(chunked), heartbeat_(std::move(heartbeat)),
      heartbeat_interval_(heartbeat_interval), heartbeat_at_(core_->scheduler.now() + heartbeat_interval) {
  connection_.transport_.limit_backlog(core_->options.stall_timeout);
}

void Connection::Stream::watch() {
  connection_.transport_.async_wait(Transport::Event::readable, [self = shared_from_this()](const ErrorCode& failed) {
    if (!self->over_) self->readable(failed);
  });
}

void Connection::Stream::readable(const ErrorCode& failed) {
  if (failed) return lose();
  // Bytes are the next request of an impatient client; more than a head of them is no client of ours.
  Buffer& in = connection_.in_;
  if (in.size() >= core_->options.header_bytes_max) return lose();
  in.reserve_free(1, core_->options.header_bytes_max);
  const IoResult got = connection_.transport_.try_read(in.data.get() + in.end, in.capacity - in.end);
  if (got.failed && !got.blocked()) return lose();
  core_->metrics.received(got.bytes);
  in.end += got.bytes;
  if (in.size() == 0) in.release();
  watch();
}

void Connection::Stream::lose() {
  if (std::exchange(lost_, true)) return;
  connection_.transport_.cancel();
  announce();
}

/// Posted, because the producer may end the connection in answer, under the feet of whoever walks over connections.
void Connection::Stream::announce() {
  if (!on_close_) return;
  core_->scheduler.post([self = shared_from_this()] {
    if (auto call = std::exchange(self->on_close_, nullptr)) call();
  });
}

void Connection::Stream::on_close(Fn<void()> call) {
  on_close_ = std::move(call);
  if (closed()) announce();
}

Task<bool> Connection::Stream::send(std::string_view bytes) {
  connection_.out_body_ = bytes;
  bool sent = !connection_.try_send();
  if (!sent) sent = co_await connection_.send_rest();
  connection_.out_.clear();
  connection_.out_body_ = {};
  connection_.sent_ = 0;
  co_return sent;
}

Task<Result<void>> Connection::Stream::write(std::string bytes) {
  TM_ASSERT(!writing_ && !over_, "a write beside another, or after the end of the stream");
  if (lost_) co_return make_error(Code::cancelled, "the peer is gone");
  if (bytes.empty()) co_return Result<void>();
  if (chunked_) frame_chunk(bytes);
  writing_ = true;
  const bool sent = co_await send(bytes);
  writing_ = false;
  heartbeat_at_ = core_->scheduler.now() + heartbeat_interval_;
  if (sent) co_return Result<void>();
  const bool stalled = connection_.expired_;
  lose();
  if (stalled) co_return make_error(Code::timed_out, "the peer does not read");
  co_return make_error(Code::cancelled, "the peer is gone");
}

void Connection::Stream::sweep(SteadyTime now) {
  if (heartbeat_.empty() || writing_ || lost_ || now < heartbeat_at_) return;
  heartbeat_at_ = now + heartbeat_interval_;
  // What the socket does not take now is left in out_, and leaves before anything else.
  const bool behind = !connection_.out_.empty();
  const std::size_t before = connection_.sent_;
  if (!behind) connection_.out_ = heartbeat_;
  const ErrorCode failed = connection_.try_send();
  if (!failed) {
    connection_.out_.clear();
    connection_.sent_ = 0;
  } else if (failed != boost::asio::error::would_block || (behind && connection_.sent_ == before)) {
    lose();
  }
}

Task<bool> Connection::Stream::end(bool whole) {
  bool sent = whole && !lost_;
  writing_ = true;  // no heartbeat behind the last chunk
  if (sent) sent = co_await send(chunked_ ? "0\r\n\r\n" : "");
  over_ = true;
  on_close_ = nullptr;
  connection_.transport_.cancel();
  // A body that ends with the connection looks whole unless the connection is reset.
  if (!whole) connection_.transport_.reset_on_close();
  co_return sent;
}

Task<bool> Connection::run_stream(StreamBody body) {
  const bool chunked = head_.minor_version != 0 && !sized_;
  shed_buffers();
  std::string heartbeat = std::move(body.heartbeat);
  if (chunked && !heartbeat.empty()) frame_chunk(heartbeat);
  const auto stream = std::make_shared<Stream>(*this, chunked, std::move(heartbeat), body.heartbeat_interval);
  live_ = stream.get();
  core_->metrics.streaming(1);
  stream->watch();
  bool whole = true;
  try {
    Task<void> producing = body.produce(*stream);
    co_await std::move(producing);
  } catch (...) {
    whole = false;
  }
  const bool sent = co_await stream->end(whole);
  core_->metrics.streaming(-1);
  live_ = nullptr;
  co_return sent;
}

}  // namespace tidemark::http
