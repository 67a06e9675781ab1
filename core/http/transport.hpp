#pragma once
// Internal to core/http: the bytes of one connection, plain or through TLS (OpenSSL over the same non-blocking socket).
// Everything on the loop's thread; completions are never called from within the function that starts them.

#include <sys/uio.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "core/base/fn.hpp"
#include "core/base/time.hpp"

struct ssl_st;

namespace tidemark::http {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using ErrorCode = boost::system::error_code;

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using Ssl = std::unique_ptr<ssl_st, SslFree>;

struct IoResult {
  ErrorCode failed;  ///< would_block from the try_ functions: nothing now
  std::size_t bytes = 0;
  bool blocked() const { return failed == boost::asio::error::would_block; }
};

class Transport {
 public:
  using Executor = TcpSocket::executor_type;

  explicit Transport(TcpSocket socket) : socket_(std::move(socket)) {}

  /// From now on TLS, with this side as the server; handshake() comes first.
  void start_tls(Ssl ssl) { ssl_ = std::move(ssl); }
  bool is_secure() const { return ssl_ != nullptr; }
  /// One step. would_block: wait_for_handshake(), then again.
  ErrorCode handshake();
  template <class Handler>
  void wait_for_handshake(Handler&& handler) {
    socket_.async_wait(handshake_writes_ ? TcpSocket::wait_write : TcpSocket::wait_read, std::forward<Handler>(handler));
  }

  /// What has arrived: at least one byte, or failed (eof at the peer's end).
  IoResult try_read(char* data, std::size_t size);
  /// What the kernel takes now, from the first piece on. After would_block the next call must offer the same bytes again, and may
  /// offer more. With `more` following soon.
  IoResult try_write(const iovec* pieces, int count, bool more);

  template <class Handler>
  void async_read(char* data, std::size_t size, Handler&& handler) {
    if (ssl_ == nullptr) return socket_.async_read_some(boost::asio::buffer(data, size), std::forward<Handler>(handler));
    read_secure(data, size, Fn<void(const ErrorCode&, std::size_t)>(std::forward<Handler>(handler)));
  }
  /// When try_read() may get further.
  void async_readable(Fn<void(const ErrorCode&)> handler);
  template <class Handler>
  void async_writable(Handler&& handler) {
    socket_.async_wait(TcpSocket::wait_write, std::forward<Handler>(handler));
  }

  /// Everything under way completes with operation_aborted.
  void cancel();
  /// Tells the peer that nothing more comes.
  void shut_sending();
  void close();
  /// close() will reset the connection, so that the peer sees that something is missing.
  void reset_on_close();
  int descriptor() { return socket_.native_handle(); }
  Executor executor() { return socket_.get_executor(); }

  /// For connections that live long and mostly idle: what the peer does not take stays with its producer instead of the kernel,
  /// and a peer that vanishes without a word is found after `stall_timeout` with bytes it has not acknowledged.
  void limit_backlog(Duration stall_timeout);

 private:
  void read_secure(char* data, std::size_t size, Fn<void(const ErrorCode&, std::size_t)> handler);
  ErrorCode secure_error(int result);

  TcpSocket socket_;
  Ssl ssl_;
  bool handshake_writes_ = false;
  bool broken_ = false;  ///< TLS has failed: it may not be used to say goodbye
};

}  // namespace tidemark::http
