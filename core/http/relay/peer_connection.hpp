#pragma once
// Internal to core/http/relay: one connection to another node, plain or TLS, as awaitables of Task, each with a deadline.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/http/client/url.hpp"

namespace tidemark::http {

class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  PeerConnection(boost::asio::io_context& context, boost::asio::ssl::context& tls, Scheduler& scheduler)
      : context_(context), tls_context_(tls), scheduler_(scheduler), socket_(context) {}

  /// To the first address that takes it. unavailable, timed_out.
  Task<Result<void>> connect(CallUrl url, std::vector<boost::asio::ip::tcp::endpoint> addresses, Duration deadline);
  /// All of it.
  Task<Result<void>> write(std::string bytes, Duration stall);
  /// At least a byte, at most `size`; empty when the peer has ended.
  Task<Result<std::string>> read(std::size_t size, Duration stall);
  /// What is under way fails.
  void close();

 private:
  using Finished = std::pair<boost::system::error_code, std::size_t>;
  Error failed(const char* what, const boost::system::error_code& error) const;
  void begin(Duration deadline);
  void end();

  boost::asio::io_context& context_;
  boost::asio::ssl::context& tls_context_;
  Scheduler& scheduler_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  TimerId timer_ = 0;
  bool late_ = false;
};

}  // namespace tidemark::http
