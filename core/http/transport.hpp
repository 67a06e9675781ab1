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
struct ssl_ctx_st;

namespace tidemark::http {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using ErrorCode = boost::system::error_code;

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using Ssl = std::unique_ptr<ssl_st, SslFree>;
Ssl make_ssl(ssl_ctx_st& context);

struct IoResult {
  ErrorCode failed;  ///< would_block from the try_ functions: nothing now
  std::size_t bytes = 0;
  bool blocked() const { return failed == boost::asio::error::would_block; }
};

class Transport {
 public:
  using Executor = TcpSocket::executor_type;
  enum class Event { readable, writable, handshake };  ///< when try_read(), try_write() or handshake() may get further

  /// Plain until start_tls(), which needs an `ssl`.
  explicit Transport(TcpSocket socket, Ssl ssl = nullptr) : socket_(std::move(socket)), offered_(std::move(ssl)) {}

  bool offers_tls() const { return offered_ != nullptr; }
  /// From now on TLS, with this side as the server; handshake() comes first.
  void start_tls() { ssl_ = std::move(offered_); }
  bool is_secure() const { return ssl_ != nullptr; }
  /// The first byte that has arrived, left where it is; negative: none.
  int peek();
  static constexpr int kNothingYet = -2;  ///< of peek()
  /// One step. would_block: wait for Event::handshake, then again.
  ErrorCode handshake();

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
  void async_wait(Event event, Fn<void(const ErrorCode&)> handler);

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
  Ssl offered_, ssl_;
  bool wants_write_ = false;  ///< what OpenSSL waited for last
  bool broken_ = false;  ///< TLS has failed: it may not be used to say goodbye
};

}  // namespace tidemark::http
