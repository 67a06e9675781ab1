// WebSockets: Beast makes and checks the frames, over the connection's transport; deadlines are swept with everyone else's.

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "core/base/bytes.hpp"
#include "core/http/connection_io.hpp"
#include "core/http/web_socket_handshake.hpp"

namespace tidemark::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = beast::websocket;

constexpr Duration kCloseWait = std::chrono::seconds(5);
constexpr std::size_t kKeptBytes = 4096;  ///< a larger message buffer is given back after its message
constexpr std::size_t kReasonBytesMax = 123;
constexpr std::uint16_t kNoStatus = 1005;

using Completion = Fn<void(const ErrorCode&, std::size_t)>;

std::string_view within_reason(std::string_view text) {
  if (text.size() <= kReasonBytesMax) return text;
  std::size_t end = kReasonBytesMax;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

ws::request_type accepted_request(const std::string& key) {
  ws::request_type request(beast::http::verb::get, "/", 11);
  request.set(beast::http::field::host, "tidemark");
  request.set(beast::http::field::upgrade, "websocket");
  request.set(beast::http::field::connection, "Upgrade");
  request.set(beast::http::field::sec_websocket_version, "13");
  request.set(beast::http::field::sec_websocket_key, key);
  return request;
}

}  // namespace

class Connection::Socket final : public WebSocket, public LiveExchange, public std::enable_shared_from_this<Connection::Socket> {
 public:
  Socket(Connection& connection, const WebSocketOptions& options, std::string protocol)
      : connection_(connection), core_(connection.core_), options_(options), protocol_(std::move(protocol)),
        stream_(Layer{this}), heard_(core_->scheduler.now()) {
    connection_.transport_.limit_backlog(core_->options.stall_timeout);
    stream_.auto_fragment(false);
    stream_.read_message_max(options_.message_bytes_max);
    stream_.control_callback([this](ws::frame_type, beast::string_view) { count_control_frame(); });
  }

  /// Sends 101. Nothing else may be called before it succeeded.
  Task<bool> accept(std::string key, Headers headers);
  /// Reads on while the socket is open; settled() waits until nothing is under way any more.
  void start() {
    ++under_way_;
    spawn(receive(), [self = shared_from_this()] { self->one_ended(); });
  }
  Task<void> settled();

  Task<Result<WebSocketMessage>> read() override;
  Task<Result<void>> write(WebSocketMessage message) override;
  Task<void> close(std::uint16_t code, std::string reason) override;
  bool closed() const override { return end_ || closing_ || draining(); }
  std::optional<std::uint16_t> close_code() const override { return close_code_; }
  void on_close(Fn<void()> call) override {
    on_close_ = std::move(call);
    if (closed()) announce();
  }
  bool draining() const override { return core_->stopping; }
  std::string_view protocol() const override { return protocol_; }

  void sweep(SteadyTime now) override;
  void drain() override { announce(); }

 private:
  /// The stream below Beast's.
  struct Layer {
    using executor_type = Transport::Executor;
    Socket* socket;

    executor_type get_executor() const noexcept { return socket->connection_.transport_.executor(); }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
      const asio::mutable_buffer first = *asio::buffer_sequence_begin(buffers);
      socket->read_some(static_cast<char*>(first.data()), first.size(), Completion(std::forward<Handler>(handler)));
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
      Pieces pieces;
      for (auto each = asio::buffer_sequence_begin(buffers); each != asio::buffer_sequence_end(buffers) && !pieces.full(); ++each) {
        pieces.add(asio::const_buffer(*each));
      }
      socket->write_some(pieces, Completion(std::forward<Handler>(handler)));
    }
    /// The connection closes its socket itself.
    template <class Handler>
    friend void async_teardown(beast::role_type, Layer& layer, Handler&& handler) {
      asio::post(layer.get_executor(), [handler = std::forward<Handler>(handler)]() mutable { handler(ErrorCode()); });
    }
    void close() { socket->connection_.force_close(); }
    friend void beast_close_socket(Layer& layer) { layer.close(); }
  };
  struct Pieces {
    std::array<iovec, 4> each{};
    int count = 0;
    bool full() const { return count == static_cast<int>(each.size()); }
    void add(asio::const_buffer piece) {
      if (piece.size() != 0) each[static_cast<std::size_t>(count++)] = {const_cast<void*>(piece.data()), piece.size()};
    }
  };

  void read_some(char* data, std::size_t size, Completion done);
  void write_some(Pieces pieces, Completion done);
  Task<void> receive();
  void deliver(WebSocketMessage message);
  void finish(const ErrorCode& failed);
  Error why() const;
  void announce();
  void one_ended();
  void ping();
  void count_control_frame();

  Connection& connection_;
  const std::shared_ptr<ServerCore> core_;
  const WebSocketOptions options_;
  const std::string protocol_;
  ws::stream<Layer, false> stream_;
  beast::flat_buffer buffer_;

  std::optional<WebSocketMessage> unread_;        ///< while it is there nothing more is received
  Fn<void(Result<WebSocketMessage>)> reader_;     ///< a read() that waits
  Fn<void(bool)> resume_receiving_;
  Fn<void(bool)> when_settled_;
  Fn<void()> on_close_;
  std::optional<Error> end_;                      ///< why nothing more is received
  std::optional<std::uint16_t> close_code_;
  int under_way_ = 0;                             ///< operations that the task of the socket does not await
  bool pinging_ = false, closing_ = false;
  bool stalled_ = false, silent_ = false, flooded_ = false;
  std::size_t control_frames_ = 0;                ///< since control_window_

  static constexpr SteadyTime kNever = SteadyTime::max();
  SteadyTime heard_;
  SteadyTime pinged_ = kNever;                    ///< an unanswered ping
  SteadyTime message_began_ = kNever;
  SteadyTime write_deadline_ = kNever, close_deadline_ = kNever;
  SteadyTime control_window_{};
};

void Connection::Socket::read_some(char* data, std::size_t size, Completion done) {
  if (Buffer& in = connection_.in_; in.size() != 0) {  // what came right behind the handshake
    const std::size_t take = std::min(size, in.size());
    std::copy_n(in.data.get() + in.begin, take, data);
    in.begin += take;
    if (in.size() == 0) in.release();
    asio::post(connection_.transport_.executor(), [take, done = std::move(done)]() mutable { done(ErrorCode(), take); });
    return;
  }
  connection_.transport_.async_read(data, size, [this, done = std::move(done)](const ErrorCode& failed, std::size_t bytes) mutable {
    heard_ = core_->scheduler.now();
    core_->metrics.received(bytes);
    done(failed, bytes);
  });
}

void Connection::Socket::write_some(Pieces pieces, Completion done) {
  const IoResult sent = connection_.transport_.try_write(pieces.each.data(), pieces.count, false);
  if (!sent.blocked()) {
    core_->metrics.sent(sent.bytes);
    write_deadline_ = kNever;
    asio::post(connection_.transport_.executor(), [sent, done = std::move(done)]() mutable { done(sent.failed, sent.bytes); });
    return;
  }
  if (write_deadline_ == kNever) write_deadline_ = core_->scheduler.now() + core_->options.stall_timeout;
  connection_.transport_.async_wait(Transport::Event::writable, [this, pieces, done = std::move(done)](const ErrorCode& failed) mutable {
    if (failed) return done(failed, 0);
    write_some(pieces, std::move(done));
  });
}

Task<bool> Connection::Socket::accept(std::string key, Headers headers) {
  const ws::request_type request = accepted_request(key);
  stream_.set_option(ws::stream_base::decorator([this, &headers](ws::response_type& response) {
    response.set(beast::http::field::server, "tidemark");
    if (!protocol_.empty()) response.set(beast::http::field::sec_websocket_protocol, protocol_);
    for (const auto& [name, value] : headers) response.insert(clean_field(name), clean_field(value));
  }));
  auto start = [this, &request](Fn<void(ErrorCode)> done) {
    stream_.async_accept(request, [done = std::move(done)](const ErrorCode& failed) mutable { done(failed); });
  };
  Callback<ErrorCode> accepting(std::move(start));
  const ErrorCode failed = co_await accepting;
  co_return !failed;
}

Task<void> Connection::Socket::receive() {
  while (!end_) {
    auto start = [this](Fn<void(ErrorCode)> done) {
      stream_.async_read(buffer_, [done = std::move(done)](const ErrorCode& failed, std::size_t) mutable { done(failed); });
    };
    Callback<ErrorCode> reading(std::move(start));
    const ErrorCode failed = co_await reading;
    message_began_ = kNever;
    if (failed) {
      finish(failed);
      co_return;
    }
    WebSocketMessage message{stream_.got_text(), std::string(static_cast<const char*>(buffer_.data().data()), buffer_.size())};
    buffer_.clear();
    if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
    deliver(std::move(message));
    if (!unread_) continue;
    auto park = [this](Fn<void(bool)> resume) { resume_receiving_ = std::move(resume); };
    Callback<bool> parked(std::move(park));
    co_await parked;
  }
}

void Connection::Socket::deliver(WebSocketMessage message) {
  if (auto reader = std::exchange(reader_, nullptr)) reader(std::move(message));
  else unread_ = std::move(message);
}

void Connection::Socket::finish(const ErrorCode& failed) {
  if (failed == ws::error::closed) {
    close_code_ = stream_.reason().code == ws::close_code::none ? kNoStatus : static_cast<std::uint16_t>(stream_.reason().code);
    end_ = make_error(Code::cancelled, "the peer closed the WebSocket");
  } else if (silent_ || stalled_) {
    end_ = make_error(Code::timed_out, silent_ ? "the peer fell silent" : "the peer does not read");
  } else if (flooded_) {
    end_ = why();
  } else if (failed.category() == ErrorCode(ws::error::bad_opcode).category()) {
    end_ = make_error(Code::invalid_argument, "the peer broke the protocol: " + failed.message());
  } else {
    end_ = make_error(Code::cancelled, "the peer is gone");
  }
  announce();
}

Error Connection::Socket::why() const {
  if (end_) return *end_;
  if (flooded_) return make_error(Code::invalid_argument, "the peer sent too many control frames");
  return make_error(Code::cancelled, "the WebSocket is closed");
}

/// Posted, because a task that is told may end the connection under the feet of whoever walks over connections.
void Connection::Socket::announce() {
  if (!on_close_ && !reader_) return;
  core_->scheduler.post([self = shared_from_this()] {
    if (auto call = std::exchange(self->on_close_, nullptr)) call();
    if (auto reader = std::exchange(self->reader_, nullptr)) reader(self->why());
  });
}

Task<Result<WebSocketMessage>> Connection::Socket::read() {
  TM_ASSERT(!reader_, "two reads of one WebSocket at a time");
  if (unread_) {
    WebSocketMessage message = std::move(*unread_);
    unread_.reset();
    heard_ = core_->scheduler.now();  // what it sent meanwhile was not looked at
    if (auto resume = std::exchange(resume_receiving_, nullptr)) resume(true);
    co_return std::move(message);
  }
  if (closed()) co_return why();
  auto start = [this](Fn<void(Result<WebSocketMessage>)> done) { reader_ = std::move(done); };
  Callback<Result<WebSocketMessage>> reading(std::move(start));
  Result<WebSocketMessage> message = co_await reading;
  co_return std::move(message);
}

Task<Result<void>> Connection::Socket::write(WebSocketMessage message) {
  if (end_ || closing_) co_return why();
  if (message.is_text && !is_utf8(message.bytes)) co_return make_error(Code::invalid_argument, "a text message must be UTF-8");
  stream_.text(message.is_text);
  auto start = [this, &message](Fn<void(ErrorCode)> done) {
    stream_.async_write(asio::buffer(message.bytes),
                        [done = std::move(done)](const ErrorCode& failed, std::size_t) mutable { done(failed); });
  };
  Callback<ErrorCode> writing(std::move(start));
  const ErrorCode failed = co_await writing;
  if (!failed) co_return Result<void>();
  if (stalled_) co_return make_error(Code::timed_out, "the peer does not read");
  co_return make_error(Code::cancelled, "the peer is gone");
}

Task<void> Connection::Socket::close(std::uint16_t code, std::string reason) {
  if (end_ || std::exchange(closing_, true)) co_return;
  close_deadline_ = core_->scheduler.now() + std::min(kCloseWait, core_->options.stall_timeout);
  announce();
  auto start = [this, code, &reason](Fn<void(ErrorCode)> done) {
    const std::string_view text = within_reason(reason);
    stream_.async_close(ws::close_reason(static_cast<ws::close_code>(code), beast::string_view(text.data(), text.size())),
                        [done = std::move(done)](const ErrorCode& failed) mutable { done(failed); });
  };
  Callback<ErrorCode> closing(std::move(start));
  const ErrorCode failed = co_await closing;
  if (!failed && !close_code_) close_code_ = static_cast<std::uint16_t>(stream_.reason().code);
  close_deadline_ = kNever;
}

Task<void> Connection::Socket::settled() {
  if (!end_) end_ = make_error(Code::cancelled, "the WebSocket is closed");
  on_close_ = nullptr;
  if (auto resume = std::exchange(resume_receiving_, nullptr)) resume(true);
  if (under_way_ == 0) co_return;
  auto start = [this](Fn<void(bool)> done) { when_settled_ = std::move(done); };
  Callback<bool> waiting(std::move(start));
  co_await waiting;
}

void Connection::Socket::one_ended() {
  if (--under_way_ != 0 || !when_settled_) return;
  core_->scheduler.post([self = shared_from_this()] {
    if (auto call = std::exchange(self->when_settled_, nullptr)) call(true);
  });
}

void Connection::Socket::ping() {
  pinging_ = true;
  ++under_way_;
  stream_.async_ping({}, [self = shared_from_this()](const ErrorCode&) {
    self->pinging_ = false;
    self->one_ended();
  });
}

void Connection::Socket::count_control_frame() {
  if (++control_frames_ <= options_.control_frames_max || std::exchange(flooded_, true)) return;
  core_->scheduler.post([self = shared_from_this()] {
    if (self->end_) return;
    ++self->under_way_;
    spawn(self->close(1008, "too many control frames"), [self] { self->one_ended(); });
  });
}

void Connection::Socket::sweep(SteadyTime now) {
  if (now >= control_window_) {
    control_window_ = now + std::chrono::seconds(1);
    control_frames_ = 0;
  }
  if (buffer_.size() == 0) message_began_ = kNever;
  else if (message_began_ == kNever) message_began_ = now;
  if (heard_ >= pinged_) pinged_ = kNever;
  const bool slow = message_began_ != kNever && now >= message_began_ + options_.message_deadline;
  const bool mute = pinged_ != kNever && now >= pinged_ + options_.pong_deadline && !unread_;
  stalled_ = stalled_ || now >= write_deadline_;
  silent_ = silent_ || slow || mute;
  if (stalled_ || silent_ || now >= close_deadline_) return connection_.force_close();
  if (unread_ || end_ || closing_ || pinging_ || pinged_ != kNever || options_.ping_interval == Duration(0)) return;
  if (now < heard_ + options_.ping_interval) return;
  pinged_ = now;
  ping();
}

/// nullopt when the handshake is refused in response_.
std::optional<WebSocketHandshake> Connection::check_web_socket() {
  WebSocketHandshake handshake;
  const auto refused = check_handshake(head_, *std::get_if<WebSocketBody>(&response_.body), handshake);
  if (!refused) {
    response_.status = 101;
    return handshake;
  }
  response_ = surface_->fault(refused->fault, refused->detail);
  if (refused->fault == Fault::upgrade_required) {
    response_.header("Upgrade", "websocket");
    response_.header("Sec-WebSocket-Version", "13");
  }
  if (has_body()) keep_ = false;  // two readers may not agree on where the next request begins
  return std::nullopt;
}

Task<void> Connection::run_web_socket(WebSocketHandshake handshake) {
  const WebSocketBody body = std::move(*std::get_if<WebSocketBody>(&response_.body));
  Headers headers = std::move(response_.headers);
  response_ = Response();
  shed_buffers();
  const auto socket = std::make_shared<Socket>(*this, body.options, std::move(handshake.protocol));
  live_ = socket.get();
  core_->metrics.web_sockets(1);
  const bool accepted = co_await socket->accept(std::move(handshake.key), std::move(headers));
  if (accepted) {
    socket->start();
    std::uint16_t code = 1000;
    try {
      Task<void> running = body.run(*socket);
      co_await std::move(running);
    } catch (...) {
      code = 1011;
    }
    if (core_->stopping && code == 1000) code = 1001;
    co_await socket->close(code, {});
    co_await socket->settled();
  }
  core_->metrics.web_sockets(-1);
  live_ = nullptr;
  linger_ = true;  // what the peer still sends must not take our last frame from it
  co_await close_politely();
}

}  // namespace tidemark::http
