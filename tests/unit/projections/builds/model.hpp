#pragma once
// A read model fed with events, for tests.

#include <gtest/gtest.h>

#include "projections/builds/builds_model.hpp"
#include "projections/builds/logs_model.hpp"
#include "tests/support/given/memory_state.hpp"

namespace tidemark::projections::builds {

using namespace schemas::builds;

inline constexpr std::int64_t kT0 = 1'700'000'000'000;

/// Each event happens `ms` after kT0.
template <class P>
class Fed {
 public:
  Fed& at(std::int64_t ms) { now_ = kT0 + ms; return *this; }
  Fed& operator()(const typename P::Event& event) {
    P::apply(rows_, event, EventContext{from_ms(now_), "event", "command", "default"});
    return *this;
  }
  const testing::MemoryState& rows() const { return rows_; }

 private:
  testing::MemoryState rows_;
  std::int64_t now_ = kT0;
};

inline BuildSubmitted submitted(const std::string& id, std::uint64_t order = 0, Platform platform = Platform::ios) {
  return {.pool_id = "default", .build_id = id, .platform = platform,
          .source = {.sha256 = "s", .size = 3, .kind = BlobKind::source},
          .certs = std::nullopt, .access_token_sha256 = "t", .token_key_id = "k1", .order = order,
          .retry_of = std::nullopt};
}
inline WorkerRegistered registered(const std::string& id) {
  return {.pool_id = "default", .worker_id = id, .name = "Mac " + id, .capabilities = {"{}"},
          .public_identifier = std::nullopt,
          .token_sha256 = {}, .token_key_id = {}, .token_expires_at = 0, .offline_due_at = 0};
}
inline BuildAssigned assigned(const std::string& build, const std::string& worker, std::uint32_t attempt = 1,
                              bool claimed = false) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = attempt, .otp_key_id = {},
          .otp_expires_at = 0,
          .liveness_due_at = 0, .claimed = claimed};
}
inline BuildCompleted completed(const std::string& build, const std::string& worker, bool late = false) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = 1,
          .result = {.sha256 = "r", .size = 9, .kind = BlobKind::result, .declared_name = "app.ipa",
                     .declared_type = {}}, .late = late};
}
inline BuildFailed failed(const std::string& build, const std::string& worker) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = 1, .error_message = "boom",
          .failure_code = "REPORTED"};
}

}  // namespace tidemark::projections::builds
