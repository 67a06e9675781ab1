#include "core/log/kafka/connection.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/bytes.hpp"

namespace tidemark::log::kafka {

Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

Connection Connection::open(const std::string& host, int port, Deadline deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    Connection out;
    out.socket_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (out.socket_ < 0) continue;
    if (::connect(out.socket_, address->ai_addr, address->ai_addrlen) != 0) {
      int failed = errno;
      socklen_t size = sizeof failed;
      if (failed != EINPROGRESS || !out.wait(POLLOUT, deadline)) continue;
      if (::getsockopt(out.socket_, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0) continue;
    }
    const int on = 1;
    ::setsockopt(out.socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return out;
  }
  return {};
}

bool Connection::wait(short events, Deadline deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd ready{socket_, events, 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(std::min<decltype(left)>(left, 60'000)));
    if (polled > 0) return true;  // with an error too: the call that follows names it
    if (polled < 0 && errno != EINTR) return false;
  }
}

bool Connection::send(const std::string& bytes, Deadline deadline) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent > 0) at += static_cast<std::size_t>(sent);
    else if (sent < 0 && errno == EINTR) continue;
    else if (sent == 0 || errno != EAGAIN || !wait(POLLOUT, deadline)) return false;
  }
  return true;
}

bool Connection::read(char* into, std::size_t size, Deadline deadline) {
  while (size > 0) {
    const ssize_t got = ::recv(socket_, into, size, 0);
    if (got > 0) {
      into += got;
      size -= static_cast<std::size_t>(got);
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR && (errno != EAGAIN || !wait(POLLIN, deadline))) {
      return false;
    }
  }
  return true;
}

std::shared_ptr<std::string> Connection::receive(std::size_t bytes_max, Deadline deadline) {
  char length[4];
  if (!read(length, sizeof length, deadline)) return nullptr;
  const std::size_t size = get_u32_be(length);
  if (size > bytes_max) return nullptr;
  auto out = std::make_shared<std::string>(size, '\0');
  if (!read(out->data(), size, deadline)) return nullptr;
  return out;
}

}  // namespace tidemark::log::kafka
