#pragma once
// The server that is tried: gets recorded requests, one after another.

#include <memory>
#include <string>

#include "core/base/scheduler.hpp"
#include "core/http/client/client.hpp"
#include "core/http/server.hpp"
#include "replay/shadow/pair.hpp"

namespace tidemark::cli {

class ShadowServer {
 public:
  /// Longest that an answer is waited for.
  static constexpr Duration kDeadline = std::chrono::minutes(10);

  /// `url` is http or https with a host, and a path that goes before every target. Any address is allowed.
  ///   errors   invalid_argument (URL, CA file)
  static Result<std::unique_ptr<ShadowServer>> make(std::string url, std::string ca_file);

  /// Sends and waits. Fields of the request that concern its old connection are left out. Large answers that are no JSON come back as
  /// hash and size.
  ///   errors   invalid_argument (it cannot be sent), exhausted (the answer is too large; it was sent),
  ///            unavailable and timed_out (no answer; whether it was carried out is not known)
  Result<shadow::Response> ask(const shadow::Request& request);
  /// SIGINT or SIGTERM has arrived. A request under way is finished first.
  bool interrupted() const { return interrupted_; }

 private:
  explicit ShadowServer(std::string url) : url_(std::move(url)) {}

  const std::string url_;
  std::unique_ptr<http::AsioLoop> loop_ = http::make_asio_loop();
  std::unique_ptr<Executor> resolver_;
  std::unique_ptr<http::Client> client_;
  bool interrupted_ = false;
};

}  // namespace tidemark::cli
