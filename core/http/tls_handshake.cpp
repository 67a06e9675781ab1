// The beginning of a connection on a TLS listener.

#include "core/http/connection_io.hpp"

namespace tidemark::http {
namespace {

constexpr int kHandshakeRecord = 0x16;  // RFC 8446 section 5.1

}  // namespace

/// False when the connection is to end; a peer that speaks plain HTTP has been told so.
Task<bool> Connection::shake_hands() {
  arm(core_->options.header_deadline);
  idle_ = true;
  ErrorCode silent;
  int first_byte = Transport::kNothingYet;
  while (!silent && first_byte == Transport::kNothingYet) {  // a socket may be called readable before it is
    AsyncReady first(*this, Transport::Event::readable);
    silent = co_await first;
    if (!silent) first_byte = transport_.peek();
  }
  idle_ = false;
  if (first_byte != kHandshakeRecord) {
    disarm();
    if (first_byte < 0) co_return false;
    keep_ = false;
    linger_ = true;
    response_ = surface_->fault(Fault::bad_request, "this port speaks TLS: use https");
    render_response();
    const ErrorCode failed = try_send();
    if (!failed) co_await close_politely();
    co_return false;
  }
  transport_.start_tls();
  ErrorCode failed = transport_.handshake();
  while (failed == boost::asio::error::would_block) {
    AsyncReady ready(*this, Transport::Event::handshake);
    failed = co_await ready;
    if (!failed) failed = transport_.handshake();
  }
  disarm();
  if (!failed) co_return true;
  core_->metrics.tls_failed();
  linger_ = true;  // or a reset could take the alert from the peer
  co_await close_politely();
  co_return false;
}

}  // namespace tidemark::http
