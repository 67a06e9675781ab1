#pragma once
// Relay: a request that another node has to answer is passed on to it as it came, and its answer is given as it comes. Both bodies
// are streamed, a piece at a time. WebSocket handshakes are not relayed.

#include <memory>
#include <string>

#include "core/base/error.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/http/http.hpp"
#include "core/http/server.hpp"

namespace tidemark::http {

/// Says that a node has passed the request on, so that no second one does.
inline constexpr std::string_view kRelayedField = "Tidemark-Relayed";

struct RelayOptions {
  std::string ca_file;                                    ///< PEM, for nodes that are called by https; empty: the system's store
  Duration connect_deadline = std::chrono::seconds(2);    ///< with looking up the name and TLS
  Duration answer_deadline = std::chrono::seconds(90);    ///< from the end of the request to the head of the answer; long polls end before
  Duration stall_timeout = std::chrono::seconds(30);      ///< of a node that takes nothing, or gives nothing, in the middle
  std::size_t exchanges_max = 4096;                       ///< under way at once; above it: unavailable
};

/// threads   the loop's
class Relay {
 public:
  virtual ~Relay() = default;
  /// `url` is scheme, host and port of the other node's main listener; the request's path is the surface's there. Fields of the
  /// client are passed on, those that concern its connection are not. The answer's body is read while it is sent: a node that
  /// goes away in the middle cuts the client's connection.
  ///   errors   unavailable (the node cannot be reached, or went away before it answered: what it did is not known),
  ///            timed_out (it did not answer), and what reading the client's body gave: cancelled, exhausted, invalid_argument
  virtual Task<Result<Response>> pass_on(Request& request, std::string surface, std::string url) = 0;
};

/// Borrows loop and resolver (its work blocks), which outlive every exchange.
///   errors   invalid_argument (the CA file)
Result<std::unique_ptr<Relay>> make_relay(AsioLoop& loop, Executor& resolver, RelayOptions options);

}  // namespace tidemark::http
