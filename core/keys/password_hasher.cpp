#include "core/keys/password_hasher.hpp"

#include "core/keys/crypto.hpp"

namespace tidemark::keys {

template <class T>
Task<Result<T>> PasswordHasher::run(Fn<Result<T>()> work) {
  if (waiting_ >= waiting_max_) co_return make_error(Code::unavailable, "too many passwords are being checked; try again in a moment");
  ++waiting_;
  auto result = co_await run_on(pool_, home_, std::move(work));
  --waiting_;
  co_return result;
}

Task<Result<std::string>> PasswordHasher::hash(std::string password) {
  return run<std::string>([password = std::move(password)]() mutable {
    auto hashed = hash_argon2id(password);
    wipe(password);
    return hashed;
  });
}

Task<Result<bool>> PasswordHasher::verify(std::string password, std::string stored) {
  return run<bool>([password = std::move(password), stored = std::move(stored)]() mutable {
    auto verified = verify_password(password, stored);
    wipe(password);
    return verified;
  });
}

}  // namespace tidemark::keys
