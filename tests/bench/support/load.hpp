#pragma once
// A keep-alive HTTP/1.1 load generator on epoll, one thread: every connection has one request under way.

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::bench {

struct LoadResult {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;        ///< answers whose status was not 2xx, and broken connections
  double per_second = 0;
  double p50_us = 0, p99_us = 0;
};

/// Sends `requests[i % size]` on connection i, again and again, for `seconds` after `warmup_seconds`.
LoadResult run_load(std::uint16_t port, const std::vector<std::string>& requests, std::size_t connections, double seconds, double warmup_seconds);

/// "POST path HTTP/1.1" with Host, the extra header lines (each ending in CRLF), Content-Length and body.
std::string post_request(const std::string& path, const std::string& extra_headers, const std::string& body);
std::string get_request(const std::string& path, const std::string& extra_headers);

/// A connected socket with TCP_NODELAY, or -1.
int connect_to(std::uint16_t port);
/// Size of the complete response at the start of `in`, or 0 while it is not whole.
std::size_t response_size(const std::string& in);
/// Waits until something listens on the port.
bool wait_for_port(std::uint16_t port);

}  // namespace tidemark::bench
