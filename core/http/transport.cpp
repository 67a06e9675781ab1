#include "core/http/transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <limits>

namespace tidemark::http {
namespace {

constexpr int kUnsentBytesMax = 64 << 10;

ErrorCode would_block() { return boost::asio::error::would_block; }

ErrorCode last_error() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return would_block();
  return {errno, boost::system::system_category()};
}

int length_for_ssl(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

}  // namespace

void SslFree::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Ssl make_ssl(ssl_ctx_st& context) { return Ssl(SSL_new(&context)); }

/// What a call of OpenSSL that did not get through means.
ErrorCode Transport::secure_error(int result) {
  const int system_error = errno;
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
    wants_write_ = kind == SSL_ERROR_WANT_WRITE;
    return would_block();
  }
  if (kind == SSL_ERROR_ZERO_RETURN) return boost::asio::error::eof;
  broken_ = true;
  if (kind == SSL_ERROR_SYSCALL && system_error != 0) return {system_error, boost::system::system_category()};
  return boost::asio::error::connection_aborted;
}

int Transport::peek() {
  unsigned char byte = 0;
  const auto got = ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return kNothingYet;
  return got == 1 ? byte : -1;
}

ErrorCode Transport::handshake() {
  if (!socket_.is_open()) return boost::asio::error::operation_aborted;
  if (SSL_get_fd(ssl_.get()) < 0) SSL_set_fd(ssl_.get(), descriptor());
  ERR_clear_error();
  const int done = SSL_accept(ssl_.get());
  return done == 1 ? ErrorCode() : secure_error(done);
}

IoResult Transport::try_read(char* data, std::size_t size) {
  // A closed descriptor's number may be another connection's by now.
  if (!socket_.is_open()) return {boost::asio::error::operation_aborted, 0};
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), data, length_for_ssl(size));
    if (got > 0) return {{}, static_cast<std::size_t>(got)};
    return {secure_error(got), 0};
  }
  while (true) {
    const auto got = ::recv(descriptor(), data, size, MSG_DONTWAIT);
    if (got > 0) return {{}, static_cast<std::size_t>(got)};
    if (got == 0) return {boost::asio::error::eof, 0};
    if (errno != EINTR) return {last_error(), 0};
  }
}

IoResult Transport::try_write(const iovec* pieces, int count, bool more) {
  if (!socket_.is_open()) return {boost::asio::error::operation_aborted, 0};
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), pieces[0].iov_base, length_for_ssl(pieces[0].iov_len));
    if (sent > 0) return {{}, static_cast<std::size_t>(sent)};
    return {secure_error(sent), 0};
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<std::size_t>(count);
  while (true) {
    const auto sent = ::sendmsg(descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (sent >= 0) return {{}, static_cast<std::size_t>(sent)};
    if (errno != EINTR) return {last_error(), 0};
  }
}

void Transport::read_secure(char* data, std::size_t size, Fn<void(const ErrorCode&, std::size_t)> handler) {
  const IoResult got = try_read(data, size);
  if (!got.blocked()) {
    boost::asio::post(executor(), [got, handler = std::move(handler)]() mutable { handler(got.failed, got.bytes); });
    return;
  }
  const auto direction = wants_write_ ? TcpSocket::wait_write : TcpSocket::wait_read;
  socket_.async_wait(direction, [this, data, size, handler = std::move(handler)](const ErrorCode& failed) mutable {
    if (failed) return handler(failed, 0);
    read_secure(data, size, std::move(handler));
  });
}

void Transport::async_wait(Event event, Fn<void(const ErrorCode&)> handler) {
  if (event == Event::readable && ssl_ != nullptr && SSL_pending(ssl_.get()) > 0) {
    boost::asio::post(executor(), [handler = std::move(handler)]() mutable { handler(ErrorCode()); });
    return;
  }
  const bool writes = event == Event::writable || (event == Event::handshake && wants_write_);
  socket_.async_wait(writes ? TcpSocket::wait_write : TcpSocket::wait_read, std::move(handler));
}

void Transport::cancel() {
  ErrorCode ignored;
  socket_.cancel(ignored);
}

void Transport::shut_sending() {
  if (!socket_.is_open()) return;
  if (broken_) ssl_.reset();  // what the peer still sends is read as it is, and thrown away
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ErrorCode ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

void Transport::close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

void Transport::reset_on_close() {
  ErrorCode ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
}

void Transport::limit_backlog(Duration stall_timeout) {
  const auto timeout_ms = static_cast<unsigned>(stall_timeout.count());
  ::setsockopt(descriptor(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
  ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax, sizeof(kUnsentBytesMax));
}

}  // namespace tidemark::http
