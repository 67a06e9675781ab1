#pragma once
// Internal to core/http: one connection, its exchanges one after another, and what all connections share.
// Everything here runs on the loop's thread.

#include <memory>
#include <string>
#include <vector>

#include "core/http/asio_loop.hpp"
#include "core/http/chunked.hpp"
#include "core/http/head.hpp"
#include "core/http/http_metrics.hpp"
#include "core/http/response_head.hpp"
#include "core/http/router.hpp"
#include "core/http/server.hpp"
#include "core/http/transport.hpp"
#include "core/http/uri.hpp"

namespace tidemark::http {

struct MountedSurface {
  Surface surface;
  Router router;
  RouteMetrics unmatched{};  ///< of what no route answers
  Response fault(Fault fault, std::string_view detail, std::string_view allow = {}) const;
};

class Connection;
struct WebSocketHandshake;

/// What a connection does for longer than an exchange; told by the sweep and by the stop of the server, never destroyed by them.
class LiveExchange {
 public:
  virtual ~LiveExchange() = default;
  virtual void sweep(SteadyTime now) = 0;
  virtual void drain() = 0;
};

/// Shared by the server and its connections; lives as long as any of them.
struct ServerCore {
  ServerCore(LoopWithContext& loop_, const ServerOptions& options_)
      : loop(loop_), scheduler(loop_.scheduler()), options(options_), metrics(options_.metrics) {}
  LoopWithContext& loop;
  Scheduler& scheduler;
  const ServerOptions options;
  std::shared_ptr<ssl_ctx_st> tls;  ///< of TLS listeners, for connections to come
  const ServerMetrics metrics;
  std::vector<std::unique_ptr<MountedSurface>> surfaces;
  MountedSurface* platform = nullptr;  ///< never null after make_server

  Connection* first = nullptr;  ///< intrusive list
  std::size_t connections = 0;
  std::size_t refusals = 0;  ///< of `connections`: those that are only told 503
  bool stopping = false;
  Fn<void()> on_empty;
  std::unique_ptr<char[]> scratch;  ///< where bytes go that nobody wants; kScratchBytes
  static constexpr std::size_t kScratchBytes = 64u << 10;

  MountedSurface* find_surface(std::string_view name) const;
};

/// Bytes received and not yet used: [begin, end) of `data`.
struct Buffer {
  std::unique_ptr<char[]> data;
  std::size_t capacity = 0, begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  std::string_view view() const { return {data.get() + begin, size()}; }
  void reserve_free(std::size_t wanted_free, std::size_t capacity_max);  ///< moves content to the front, grows by doubling
  void release();
};

class Connection final : public Request {
 public:
  /// `surface` is null on the main port. With `refuse` the peer is only told that the server is full.
  Connection(std::shared_ptr<ServerCore> core, Transport transport, boost::asio::ip::tcp::endpoint peer, MountedSurface* surface,
             bool refuse);
  ~Connection() override;
  Connection(const Connection&) = delete;

  Task<void> run();
  void check_deadline(SteadyTime now);
  void stop_when_idle();
  void force_close();

  Connection* next = nullptr;
  Connection* previous = nullptr;

  // Request
  Method method() const override { return head_.method; }
  std::string_view method_name() const override { return head_.method_name; }
  std::string_view target() const override { return head_.target; }
  std::string_view path() const override { return path_; }
  std::string_view param(std::string_view name) const override;
  std::optional<std::string> query(std::string_view name) const override { return query_value(query_, name); }
  std::optional<std::string_view> header(std::string_view name) const override { return head_.field(name); }
  std::size_t header_count(std::string_view name) const override;
  Headers fields() const override { return Headers(head_.fields.begin(), head_.fields.end()); }
  std::string_view surface_target() const override { return head_.target.substr(prefix_bytes_); }
  std::string_view peer_address() const override;
  std::string_view traceparent() const override;
  std::optional<std::uint64_t> content_length() const override { return head_.content_length; }
  bool has_body() const override { return head_.chunked || head_.content_length.value_or(0) != 0; }
  Task<Result<std::string>> read_body(std::size_t bytes_max) override;
  Task<Result<void>> read_multipart(MultipartSink& sink, MultipartLimits limits) override;
  Task<Result<void>> read_stream(std::function<Task<Result<void>>(std::string_view)> consume,
                                 std::uint64_t bytes_max) override;

 private:
  enum class Incoming { closed, refused, complete };
  enum class Decoded { piece, need_more, done, bad };
  class AsyncRead;
  class AsyncReady;
  class Turn;
  class Stream;
  class Socket;

  // connection.cpp
  void tell_answer(std::string_view failure);
  Task<Incoming> read_head();
  bool take_head();
  const RoutedRoute* select_route();
  bool find_surface_of_target();
  void answer_preflight();
  void settle_keep_alive();
  void shed_buffers();

  // response_sender.cpp
  void render_response();
  void render_file(const FileBody& file, ResponseHead& head);
  ErrorCode try_send();
  Task<bool> wait_writable();
  Task<bool> send_rest();
  IoResult try_send_file(int fd);
  IoResult try_send_checked(const FileBody& file);
  Task<bool> send_file();
  Task<void> close_politely();

  // tls_handshake.cpp
  Task<bool> shake_hands();

  // stream.cpp
  Task<bool> run_stream(StreamBody body);

  // web_socket.cpp
  std::optional<WebSocketHandshake> check_web_socket();
  Task<void> run_web_socket(WebSocketHandshake handshake);

  void arm(Duration delay) { expired_ = false; deadline_ = core_->scheduler.now() + delay; }
  void disarm() { deadline_ = SteadyTime::max(); }

  // body_reader.cpp
  void begin_body();
  std::optional<Error> open_body(std::uint64_t bytes_max);
  Decoded decode_buffered(std::string_view& piece);
  Task<Result<void>> fill();
  Task<bool> drain();
  void end_body();
  Result<void> count_body(std::size_t bytes, std::uint64_t bytes_max);
  Error body_error(Error error);

  const std::shared_ptr<ServerCore> core_;
  Transport transport_;
  const boost::asio::ip::tcp::endpoint peer_;
  MountedSurface* const listener_surface_;
  const bool refuse_;
  mutable std::string peer_address_;
  mutable std::string traceparent_;  ///< of this exchange; empty until it is asked for
  SteadyTime head_complete_{};

  SteadyTime deadline_ = SteadyTime::max();
  bool expired_ = false;
  bool idle_ = false;     ///< waiting for the first byte of a request
  bool keep_ = true;      ///< the connection goes on after this exchange
  bool linger_ = false;   ///< the peer may still be sending: read on for a while after the response

  Buffer in_;             ///< heads, and what came with them; not moved while a handler runs
  HeadScanner scanner_;
  Head head_;
  std::size_t prefix_bytes_ = 0;  ///< of the target: the surface's name
  Refusal refusal_;

  MountedSurface* surface_ = nullptr;
  const RoutedRoute* route_ = nullptr;
  RouteMatch match_;
  DecodedPath decoded_path_;
  std::string decoded_;
  std::string_view path_;
  std::string_view query_;

  Buffer body_;           ///< what was read of the body after the first bytes in `in_`
  bool body_in_head_buffer_ = true;
  bool body_done_ = true;
  bool body_failed_ = false;
  bool body_opened_ = false;
  bool continue_wanted_ = false;
  std::uint64_t body_left_ = 0;     ///< with Content-Length
  std::uint64_t body_read_ = 0;     ///< decoded bytes given out
  SteadyTime body_deadline_ = SteadyTime::max();
  ChunkedDecoder chunks_;

  Response response_;
  std::string out_;                 ///< head of the response
  std::string_view out_body_;       ///< its body when that is a string
  std::size_t sent_ = 0;            ///< of out_ and out_body_ together
  std::uint64_t file_offset_ = 0, file_left_ = 0;
  bool streams_ = false;            ///< a StreamBody follows the head
  bool sized_ = false;              ///< of a length that its handler gave as Content-Length: not in chunks
  LiveExchange* live_ = nullptr;    ///< while the connection is streamed to or is a WebSocket
};

}  // namespace tidemark::http
