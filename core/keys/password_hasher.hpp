#pragma once
// Password hashing off the scheduler's thread, with a bounded queue: a flood of log-ins gets "later", not the whole machine.

#include <string>

#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/keys/password.hpp"

namespace tidemark::keys {

///   threads   the home scheduler's; the work runs on `pool`, whose threads bound how much memory is in use at once
class PasswordHasher {
 public:
  /// `waiting_max`: hashes under way and waiting; above it a call is refused. `pool` and `home` are borrowed and outlive all calls.
  PasswordHasher(Executor& pool, Executor& home, std::size_t waiting_max = 64) : pool_(pool), home_(home), waiting_max_(waiting_max) {}
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;

  ///   errors   unavailable (too many wait: answer 503 with Retry-After), and those of password.hpp
  Task<Result<std::string>> hash(std::string password);
  Task<Result<bool>> verify(std::string password, std::string stored);

 private:
  template <class T>
  Task<Result<T>> run(Fn<Result<T>()> work);

  Executor& pool_;
  Executor& home_;
  const std::size_t waiting_max_;
  std::size_t waiting_ = 0;
};

}  // namespace tidemark::keys
