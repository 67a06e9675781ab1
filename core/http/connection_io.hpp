#pragma once
// Internal to core/http: socket operations as awaitables of Task. Each completes on the loop.

#include <boost/asio/post.hpp>
#include <coroutine>

#include "core/http/connection.hpp"

namespace tidemark::http {

/// Reads at least one byte, or fails; operation_aborted when the deadline passed or the server stops.
class Connection::AsyncRead {
 public:
  AsyncRead(Connection& connection, char* data, std::size_t size) : connection_(connection), data_(data), size_(size) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    connection_.transport_.async_read(data_, size_, [this, caller](const ErrorCode& failed, std::size_t bytes) {
      result_.failed = failed;
      result_.bytes = bytes;
      connection_.core_->metrics.received(bytes);
      caller.resume();
    });
  }
  IoResult await_resume() const noexcept { return result_; }

 private:
  Connection& connection_;
  char* data_;
  std::size_t size_;
  IoResult result_;
};

/// Waits until the transport is ready for `event`.
class Connection::AsyncReady {
 public:
  AsyncReady(Connection& connection, Transport::Event event) : connection_(connection), event_(event) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    connection_.transport_.async_wait(event_, [this, caller](const ErrorCode& failed) {
      failed_ = failed;
      caller.resume();
    });
  }
  ErrorCode await_resume() const noexcept { return failed_; }

 private:
  Connection& connection_;
  Transport::Event event_;
  ErrorCode failed_;
};

/// Lets everything else that is ready run once; also unwinds the stack, which grows with each await that completes at once.
class Connection::Turn {
 public:
  explicit Turn(Connection& connection) : connection_(connection) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    boost::asio::post(connection_.core_->loop.context(), [caller] { caller.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  Connection& connection_;
};

}  // namespace tidemark::http
