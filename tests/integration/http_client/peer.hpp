#pragma once
// The other end of outbound calls: a thread that takes one connection after another, with TLS or without, notes what it is
// sent and answers what the test says. Certificates are made here too.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::testing {

struct Certificate {
  std::string certificate, key;  ///< PEM
};
/// Self-signed for the names ("DNS:hooks.test,IP:127.0.0.1"), valid from `from` to `until`, relative to now.
Certificate make_certificate(const std::string& names, std::chrono::hours from = std::chrono::hours(-1), std::chrono::hours until = std::chrono::hours(1));

class Peer {
 public:
  struct Turn {
    std::string answer;   ///< raw bytes
    bool stall = false;   ///< never answers; the connection stays until the peer is stopped or the other side goes
  };
  /// Plain without a certificate. Answers 200 "ok" when there is no turn.
  explicit Peer(std::optional<Certificate> certificate = std::nullopt);
  ~Peer();

  std::uint16_t port() const { return port_; }
  void then(Turn turn);
  std::vector<std::string> requests() const;  ///< whole, as they came
  int connections() const { return connections_; }

 private:
  void run();
  template <class Stream>
  void serve(Stream& stream);

  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::optional<boost::asio::ssl::context> tls_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::deque<Turn> turns_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace tidemark::testing
