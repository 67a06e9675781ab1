#pragma once
// A server on a loop of its own, and raw sockets to talk to it. Reads end at a deadline, so no test can hang.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/http/server.hpp"

struct ssl_st;
struct ssl_session_st;

namespace tidemark::http::testing {

/// Runs the loop in a thread; the surfaces' handlers run there.
class TestServer {
 public:
  /// With an identity all listeners speak TLS.
  TestServer(std::vector<Surface> surfaces, ServerOptions options, std::vector<std::string> listeners = {""},
             std::optional<TlsIdentity> identity = {});
  ~TestServer();
  std::uint16_t port(std::size_t listener = 0) const { return ports_.at(listener); }
  std::size_t connections();
  /// Waits until `holds` (called on the loop) is true; false after ten seconds.
  bool eventually(std::function<bool()> holds);
  void on_loop(std::function<void()> work);
  void stop();  ///< drains; also done by the destructor
  Server& server() { return *server_; }
  AsioLoop& loop() { return *loop_; }

 private:
  std::unique_ptr<AsioLoop> loop_;
  std::unique_ptr<Server> server_;
  std::vector<std::uint16_t> ports_;
  std::thread thread_;
};

/// A response as parsed by the test, not by the code under test.
struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<std::string> header(std::string_view name) const;
};

struct TlsOffer {
  int version_max = 0;        ///< as OpenSSL numbers them; 0: any
  std::string protocols{};    ///< ALPN, each with its length before it; empty: none
  ssl_session_st* resume = nullptr;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), ssl_(std::exchange(other.ssl_, nullptr)), buffered_(std::move(other.buffered_)) {}
  /// From now on through TLS, without looking at who the server is. False when the handshake fails.
  bool start_tls(const TlsOffer& offer = {});
  ssl_st* ssl() const { return ssl_; }
  /// False when the peer has closed. Never raises SIGPIPE.
  bool send(std::string_view bytes);
  void half_close();
  /// One response (interim ones included); nullopt when the connection ends or ten seconds pass before it is complete.
  std::optional<Reply> read_reply(bool to_head = false);
  /// Sends and reads one reply.
  Reply ask(std::string_view bytes, bool to_head = false);
  /// True when the server closes within ten seconds; what it sends before is kept for reading.
  bool closed_by_peer();
  /// Nothing has arrived and the connection is open, as of now.
  bool silent();
  std::string read_all();  ///< until the end of the connection
  std::string read_exactly(std::size_t bytes);  ///< fewer when the connection ends or ten seconds pass
  bool was_reset() const { return reset_; }     ///< seen by a read
  int fd() const { return fd_; }

 private:
  bool receive_more();  ///< false: end, error or deadline
  long receive(char* data, std::size_t size);
  int fd_ = -1;
  ssl_st* ssl_ = nullptr;
  std::string buffered_;
  bool reset_ = false, timed_out_ = false;
};

std::string get(std::string_view target, std::string_view extra = {});
std::string post(std::string_view target, std::string_view body, std::string_view extra = {});

}  // namespace tidemark::http::testing
