#include "tests/bench/support/load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  const std::string* request = nullptr;
  std::string in;
  Clock::time_point sent;
};

bool send_request(Connection& c) {
  c.sent = Clock::now();
  return ::send(c.fd, c.request->data(), c.request->size(), MSG_NOSIGNAL) == static_cast<ssize_t>(c.request->size());
}

}  // namespace

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::size_t response_size(const std::string& in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  std::size_t length = 0;
  const std::string_view head(in.data(), end + 2);
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos && at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > 15 && ::strncasecmp(line.data(), "content-length:", 15) == 0) length = std::strtoull(line.data() + 15, nullptr, 10);
  }
  return in.size() >= end + 4 + length ? end + 4 + length : 0;
}

bool wait_for_port(std::uint16_t port) {
  for (int i = 0; i < 500; ++i) {
    const int fd = connect_to(port);
    if (fd >= 0) {
      ::close(fd);
      return true;
    }
    ::usleep(20'000);
  }
  return false;
}

std::string post_request(const std::string& path, const std::string& extra_headers, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + extra_headers + "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get_request(const std::string& path, const std::string& extra_headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + extra_headers + "\r\n";
}

LoadResult run_load(std::uint16_t port, const std::vector<std::string>& requests, std::size_t connections, double seconds, double warmup_seconds) {
  LoadResult result;
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> all(connections);
  for (std::size_t i = 0; i < connections; ++i) {
    all[i].fd = connect_to(port);
    all[i].request = &requests[i % requests.size()];
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &all[i];
    ::epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
    if (all[i].fd < 0 || !send_request(all[i])) ++result.errors;
  }
  std::vector<double> latencies;
  latencies.reserve(4'000'000);
  const auto measure_from = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(warmup_seconds));
  const auto until = measure_from + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<epoll_event> events(256);
  std::string buffer(64 * 1024, '\0');
  while (Clock::now() < until) {
    const int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = ::recv(c.fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        ++result.errors;
        ::epoll_ctl(poll, EPOLL_CTL_DEL, c.fd, nullptr);
        continue;
      }
      c.in.append(buffer.data(), static_cast<std::size_t>(got));
      const std::size_t size = response_size(c.in);
      if (size == 0) continue;
      const auto now = Clock::now();
      if (now >= measure_from) {
        ++result.requests;
        latencies.push_back(std::chrono::duration<double, std::micro>(now - c.sent).count());
        if (c.in.compare(9, 1, "2") != 0) ++result.errors;
      }
      c.in.erase(0, size);
      if (!send_request(c)) ++result.errors;
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - measure_from).count();
  for (auto& c : all) {
    if (c.fd >= 0) ::close(c.fd);
  }
  ::close(poll);
  result.per_second = static_cast<double>(result.requests) / took;
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    result.p50_us = latencies[latencies.size() / 2];
    result.p99_us = latencies[latencies.size() * 99 / 100];
  }
  return result;
}

}  // namespace tidemark::bench
