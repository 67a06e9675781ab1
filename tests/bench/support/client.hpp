#pragma once
// A blocking keep-alive HTTP/1.1 client for benchmarks: small responses with Content-Length only.

#include <cstdint>
#include <string>

namespace tidemark::bench {

struct Answer {
  int status = 0;  ///< 0: the connection broke
  std::string body;
};

class Client {
 public:
  explicit Client(std::uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// `request` is the whole request, as post_request() and get_request() make it.
  Answer send(const std::string& request);

 private:
  int fd_ = -1;
  std::string in_;
};

/// The value of a string member in compact JSON, "" when it is not there.
std::string json_text(const std::string& json, const std::string& member);

}  // namespace tidemark::bench
