#include "core/http/relay/peer_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace tidemark::http {

namespace asio = boost::asio;
using boost::system::error_code;

Error PeerConnection::failed(const char* what, const error_code& error) const {
  if (late_) return make_error(Code::timed_out, std::string(what) + " took too long");
  return make_error(Code::unavailable, std::string(what) + " failed: " + error.message());
}

void PeerConnection::begin(Duration deadline) {
  timer_ = scheduler_.after(deadline, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_ = 0;
    self->late_ = true;
    self->close();
  });
}

void PeerConnection::end() {
  if (timer_ != 0) scheduler_.cancel(std::exchange(timer_, 0));
}

void PeerConnection::close() {
  error_code ignored;
  socket_.close(ignored);
}

Task<Result<void>> PeerConnection::connect(CallUrl url, std::vector<asio::ip::tcp::endpoint> addresses, Duration deadline) {
  const auto self = shared_from_this();
  begin(deadline);
  error_code failure = asio::error::host_not_found;
  for (const auto& address : addresses) {
    if (late_) break;
    socket_ = asio::ip::tcp::socket(context_);
    auto start = [this, address](Fn<void(error_code)> done) { socket_.async_connect(address, [done = std::move(done)](const error_code& error) mutable { done(error); }); };
    failure = co_await Callback<error_code>(std::move(start));
    if (!failure) break;
  }
  if (!failure) socket_.set_option(asio::ip::tcp::no_delay(true), failure);
  if (!failure && url.tls) {
    tls_.emplace(socket_, tls_context_);
    if (!url.is_address) ::SSL_set_tlsext_host_name(tls_->native_handle(), url.host.c_str());
    tls_->set_verify_callback(asio::ssl::host_name_verification(url.host));
    auto start = [this](Fn<void(error_code)> done) {
      tls_->async_handshake(asio::ssl::stream_base::client, [done = std::move(done)](const error_code& error) mutable { done(error); });
    };
    failure = co_await Callback<error_code>(std::move(start));
  }
  end();
  if (failure) co_return failed("connecting", failure);
  co_return Result<void>();
}

Task<Result<void>> PeerConnection::write(std::string bytes, Duration stall) {
  const auto self = shared_from_this();
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    begin(stall);
    auto start = [this, rest = asio::buffer(bytes.data() + sent, bytes.size() - sent)](Fn<void(Finished)> done) {
      auto handler = [done = std::move(done)](const error_code& error, std::size_t count) mutable { done(Finished{error, count}); };
      if (tls_) tls_->async_write_some(rest, std::move(handler));
      else socket_.async_write_some(rest, std::move(handler));
    };
    const Finished written = co_await Callback<Finished>(std::move(start));
    end();
    if (written.first) co_return failed("sending", written.first);
    sent += written.second;
  }
  co_return Result<void>();
}

Task<Result<std::string>> PeerConnection::read(std::size_t size, Duration stall) {
  const auto self = shared_from_this();
  std::string bytes(size, '\0');
  begin(stall);
  auto start = [this, into = asio::buffer(bytes.data(), bytes.size())](Fn<void(Finished)> done) {
    auto handler = [done = std::move(done)](const error_code& error, std::size_t count) mutable { done(Finished{error, count}); };
    if (tls_) tls_->async_read_some(into, std::move(handler));
    else socket_.async_read_some(into, std::move(handler));
  };
  const Finished got = co_await Callback<Finished>(std::move(start));
  end();
  if (got.first && got.first != asio::error::eof && got.first != asio::ssl::error::stream_truncated) co_return failed("reading the answer", got.first);
  bytes.resize(got.first ? 0 : got.second);
  co_return bytes;
}

}  // namespace tidemark::http
