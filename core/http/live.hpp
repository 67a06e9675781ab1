#pragma once
// Answers that do not end at once: streamed bodies (Server-Sent Events are one kind) and WebSockets (RFC 6455).
//
// A handler returns a Response whose body is a StreamBody or a WebSocketBody; the server sends the head, then runs its task. The
// Request is gone by then: the task captures by value what it needs of it.
// Both share these manners:
//   back-pressure  a write ends when the bytes are with the kernel; a peer that takes nothing for ServerOptions::stall_timeout is
//                  disconnected (write: timed_out). Nothing is queued without bound: whoever produces faster than a peer reads
//                  sees write() not ending, and drops that peer or waits.
//   end            closed() turns true, and on_close() calls, when the peer has gone or the server begins to drain. Writes to a
//                  peer that has gone give cancelled; while the server drains they still go out, for last words, until its
//                  drain deadline. The task is never destroyed while it runs: it must end soon after closed().
//   threads        everything on the loop's thread

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/task.hpp"
#include "core/base/time.hpp"

namespace tidemark::http {

/// The body of a response as it is written: chunked on HTTP/1.1, until close on HTTP/1.0; neither when the handler gave the length
/// as Content-Length, and then writes just as much or throws. A peer that shuts its sending side counts as gone.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// One write at a time; an empty one does nothing. cancelled (peer gone), timed_out (the peer does not read).
  virtual Task<Result<void>> write(std::string bytes) = 0;
  virtual bool closed() const = 0;
  /// Calls `call` once, on the loop and never from within another call, when the stream is closed. One at a time; nullptr takes
  /// it back.
  virtual void on_close(Fn<void()> call) = 0;
  /// Closed because the server drains: what is written still arrives.
  virtual bool draining() const = 0;
};

/// A Response body that is produced over time. The end of the task ends the body; an exception cuts the connection, so that the
/// peer sees that the body is not whole.
struct StreamBody {
  std::function<Task<void>(BodyStream& stream)> produce;
  std::string heartbeat;                                  ///< sent when nothing was written for heartbeat_interval; empty: never
  Duration heartbeat_interval = std::chrono::seconds(15);
};

struct WebSocketMessage {
  bool is_text = true;
  std::string bytes;  ///< valid UTF-8 when text
};

struct WebSocketOptions {
  std::size_t message_bytes_max = 1u << 20;            ///< above it: closed with 1009
  Duration message_deadline = std::chrono::seconds(30);  ///< from the first byte of a message to its end, else cut
  Duration ping_interval = std::chrono::seconds(20);   ///< a ping after so long without anything from the peer; 0: never
  Duration pong_deadline = std::chrono::seconds(20);   ///< no sign of life for so long after a ping: cut
  std::size_t control_frames_max = 100;                ///< pings, pongs from the peer within a second; above it: closed with 1008
};

/// An open WebSocket. read() and write() may be under way at the same time, each once. Pings are answered and a peer's close is
/// seen also while nobody reads, up to one unread message.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// The next message. cancelled when it is closed (close_code() says by what) or the server drains, invalid_argument after a
  /// violation of the protocol (the peer was told 1002, 1007, 1008 or 1009), timed_out when the peer fell silent.
  virtual Task<Result<WebSocketMessage>> read() = 0;
  /// cancelled, timed_out as BodyStream's; invalid_argument for a text that is not UTF-8.
  virtual Task<Result<void>> write(WebSocketMessage message) = 0;
  /// Sends a close frame (RFC 6455 section 7.4 codes; at most 123 bytes of reason) and waits a little for the peer's. The end of
  /// the task closes with 1000, with 1001 while the server drains, and with 1011 after an exception.
  virtual Task<void> close(std::uint16_t code, std::string reason) = 0;
  virtual bool closed() const = 0;
  virtual std::optional<std::uint16_t> close_code() const = 0;  ///< as the peer sent it; 1005 when its frame held none
  virtual void on_close(Fn<void()> call) = 0;                    ///< as BodyStream's
  virtual bool draining() const = 0;
  virtual std::string_view protocol() const = 0;                 ///< the sub-protocol agreed on, or ""
};

/// Turns the request into a WebSocket: the handler has checked credentials and query; the server checks the handshake (a request that
/// is none is answered 426 by the surface's fault) and chooses the first of the client's sub-protocols that is in `protocols`
/// (none in common: no Sec-WebSocket-Protocol in the answer, or 400 when `protocol_required`).
struct WebSocketBody {
  std::vector<std::string> protocols;
  bool protocol_required = false;
  WebSocketOptions options;
  std::function<Task<void>(WebSocket& socket)> run;
};

/// One event of a Server-Sent Events stream (WHATWG HTML, section 9.2), as its bytes. Data may have line ends.
struct ServerSentEvent {
  std::string id{};     ///< empty: none. No NUL, CR or LF
  std::string event{};  ///< empty: "message". No CR or LF
  std::string data{};
  bool has_data = true;  ///< false: only the id is sent, which moves the client's Last-Event-ID on without an event
  std::optional<Duration> retry{};
};
void append_sse(const ServerSentEvent& event, std::string& out);
/// ": text\n\n", which keeps proxies from closing an idle stream.
void append_sse_comment(std::string_view text, std::string& out);

}  // namespace tidemark::http
