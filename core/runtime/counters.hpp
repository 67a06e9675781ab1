#pragma once
// Rate limits and breakers over the owner's memory (Volatile): integers only, and a clock that jumps costs at most one window.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/runtime/domain.hpp"

namespace tidemark::runtime {

struct Admission {
  bool allowed = false;
  Duration retry_after{0};   ///< when not allowed: after that it may be
  std::int64_t left = 0;     ///< how many more would be allowed now
};

/// A token bucket of `tokens` that fills within `window` (kept as one number: the theoretical arrival time of GCRA).
struct TokenBucket {
  std::int64_t tokens = 1;  ///< 1 to 1,000,000,000
  Duration window = std::chrono::seconds(1);
  /// Takes `cost` tokens, or nothing.
  Admission take(Volatile& memory, std::string_view key, Time now, std::int64_t cost = 1) const;
};

/// At most `limit` in each window, counted from the epoch.
struct FixedWindow {
  std::int64_t limit = 1;  ///< 1 to 1,000,000
  Duration window = std::chrono::minutes(1);
  Admission take(Volatile& memory, std::string_view key, Time now) const;
};

/// A circuit breaker. Closed until `failures` happen within `window`; then open for `cooldown`; then half open: one probe at a
/// time, whose result closes or opens it again.
struct Breaker {
  std::int64_t failures = 5;
  Duration window = std::chrono::minutes(1);
  Duration cooldown = std::chrono::seconds(30);
  /// Zero: go on, and call settle() when it ended. Else: not before that.
  Duration wait(Volatile& memory, std::string_view key, Time now) const;
  void settle(Volatile& memory, std::string_view key, Time now, bool ok) const;
};

}  // namespace tidemark::runtime
