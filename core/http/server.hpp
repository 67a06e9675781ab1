#pragma once
// The HTTP/1.1 server (Boost.Beast inside).

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/http/http.hpp"
#include "core/http/tls.hpp"

namespace tidemark::http {

struct Listener {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6 literal
  std::uint16_t port = 0;             ///< 0: any free one
  std::string surface;                ///< "": main port (all surfaces by prefix); else that surface at the root
  bool tls = false;                   ///< needs Server::use_tls()
};

/// An answer as the access log sees it. The views end with the call.
struct Exchange {
  std::string_view surface, route, method;  ///< the route's name; "" when none matched
  int status = 0;
  std::chrono::microseconds took{0};        ///< from the complete head of the request to the head of the answer
  std::string_view trace_id;                ///< "" outside a trace
  std::string_view failure;                 ///< what the handler threw; "" when it answered
};

struct ServerOptions {
  std::size_t connections_max = 24'000;
  std::size_t header_bytes_max = 32u << 10;
  std::size_t target_bytes_max = 8u << 10;
  Duration header_deadline = std::chrono::seconds(10);  ///< from the first byte of a head to its end
  Duration idle_timeout = std::chrono::seconds(75);     ///< keep-alive connection without a request
  Duration stall_timeout = std::chrono::seconds(30);    ///< body or response without progress
  Duration drain_deadline = std::chrono::seconds(10);   ///< at stop: requests under way
  metrics::Registry* metrics = nullptr;                 ///< outlives the server; null: nothing is counted
  std::function<void(const Exchange&)> on_answer{};     ///< told of every answer, on the loop; null: nobody is
};

struct BoundListener {
  Listener listener;  ///< with the real port
};

/// The production Scheduler: one Asio io_context on the calling thread. Here because the server shares its loop.
class AsioLoop {
 public:
  virtual ~AsioLoop() = default;
  virtual Scheduler& scheduler() = 0;
  /// Runs until stop(); the calling thread becomes the scheduler's.
  virtual void run() = 0;
  virtual void stop() = 0;  ///< from any thread
  /// Calls `call` on the loop when SIGTERM or SIGINT arrives.
  virtual void on_termination_signal(Fn<void(int)> call) = 0;
  /// Calls `call` on the loop each time SIGHUP arrives, which ends the process before.
  virtual void on_reload_signal(Fn<void()> call) = 0;
};
std::unique_ptr<AsioLoop> make_asio_loop();

class Server {
 public:
  virtual ~Server() = default;
  /// The identity of TLS listeners, for connections accepted from now on; those that are open keep theirs. Before listen() when it
  /// has a TLS listener.
  virtual void use_tls(TlsIdentity identity) = 0;
  /// Binds all listeners, or none. unavailable names address and port (and, on Linux, the process that holds it when it can be found).
  virtual Result<std::vector<BoundListener>> listen(const std::vector<Listener>& listeners) = 0;
  /// Stops accepting, finishes requests under way until the drain deadline, then closes everything; `done` on the loop.
  virtual void stop(Fn<void()> done) = 0;
  virtual std::size_t connections() const = 0;
};
std::unique_ptr<Server> make_server(AsioLoop& loop, std::vector<Surface> surfaces, ServerOptions options);

}  // namespace tidemark::http
