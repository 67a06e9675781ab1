#pragma once
// PeerClient: requests of this node's own to another one, with bodies of any size, streamed both ways.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/http/http.hpp"
#include "core/http/server.hpp"

namespace tidemark::http {

struct PeerClientOptions {
  std::string ca_file;                                   ///< PEM, for nodes that are called by https; empty: the system's store
  Duration connect_deadline = std::chrono::seconds(2);   ///< with TLS
  Duration stall_timeout = std::chrono::seconds(10);     ///< of a node that takes nothing, or gives nothing
  Duration answer_deadline = std::chrono::seconds(60);   ///< from the end of the request to the head of the answer
};

struct PeerCall {
  std::string method = "GET";
  std::string url;
  Headers headers;                                       ///< without those that frame the message
  std::optional<std::uint64_t> body_bytes;               ///< nullopt: no body
  /// The next piece of the body, never empty, `body_bytes` in all. Its error ends the call, and is the call's.
  std::function<Task<Result<std::string>>()> next_piece;
  std::uint64_t answer_bytes_max = 0;                    ///< of a 200; more, or more announced, is `corrupt`
  /// Takes the body of a 200. Its error ends the call, and is the call's. The view ends with the task.
  std::function<Task<Result<void>>(std::string_view)> take;
  Duration deadline = std::chrono::seconds(30);          ///< of all of it
};

struct PeerAnswer {
  int status = 0;
  Headers headers;
  std::string text;  ///< of another status than 200: the first 4 KiB of the body
};

/// threads   the loop's
class PeerClient {
 public:
  virtual ~PeerClient() = default;
  ///   errors   unavailable (it cannot be reached, or went away in the middle), timed_out, corrupt (the answer is too long),
  ///            invalid_argument (the URL), those of next_piece() and take()
  virtual Task<Result<PeerAnswer>> call(PeerCall call) = 0;
};

/// Borrows loop and resolver (its work blocks), which outlive every call.
///   errors   invalid_argument (the CA file)
Result<std::unique_ptr<PeerClient>> make_peer_client(AsioLoop& loop, Executor& resolver, PeerClientOptions options);

}  // namespace tidemark::http
