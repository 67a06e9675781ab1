#include "tests/bench/support/client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/bench/support/load.hpp"

namespace tidemark::bench {

Client::Client(std::uint16_t port) : fd_(connect_to(port)) {}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

Answer Client::send(const std::string& request) {
  if (fd_ < 0 || ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return {};
  char buffer[16 * 1024];
  for (;;) {
    if (const std::size_t size = response_size(in_); size != 0) {
      Answer answer;
      answer.status = std::atoi(in_.c_str() + 9);
      const auto head = in_.find("\r\n\r\n") + 4;
      answer.body = in_.substr(head, size - head);
      in_.erase(0, size);
      return answer;
    }
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return {};
    in_.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string json_text(const std::string& json, const std::string& member) {
  const std::string wanted = "\"" + member + "\":\"";
  const auto at = json.find(wanted);
  if (at == std::string::npos) return {};
  const auto begin = at + wanted.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace tidemark::bench
