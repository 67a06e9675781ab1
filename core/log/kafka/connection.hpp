#pragma once
// A TCP connection to a broker: whole requests out, whole answers in, each by a deadline. Blocks; one thread at a time.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tidemark::log::kafka {

class Connection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  Connection() = default;
  Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~Connection();

  /// Not open when nobody answers in time.
  static Connection open(const std::string& host, int port, Deadline deadline);
  bool is_open() const { return socket_ >= 0; }
  /// False: the connection is of no more use.
  bool send(const std::string& bytes, Deadline deadline);
  /// The next answer without its length; null when there is none in time, or it is larger than `bytes_max`.
  std::shared_ptr<std::string> receive(std::size_t bytes_max, Deadline deadline);

 private:
  bool read(char* into, std::size_t size, Deadline deadline);
  bool wait(short events, Deadline deadline) const;
  int socket_ = -1;
};

}  // namespace tidemark::log::kafka
