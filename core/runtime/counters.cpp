#include "core/runtime/counters.hpp"

#include <algorithm>

namespace tidemark::runtime {
namespace {

constexpr std::int64_t kCountBits = 20;
constexpr std::int64_t kCountMask = (std::int64_t{1} << kCountBits) - 1;

std::string named(std::string_view key, std::string_view what) { return std::string(key) + '\x1f' + std::string(what); }

/// How often in the window `index`. A count of a later window, from before the clock went back, is carried into this one, so
/// that it ends with it.
std::int64_t count_in_window(Volatile& memory, std::string_view key, std::int64_t index) {
  const auto value = memory.get(key);
  if (!value || *value >> kCountBits < index) return 0;
  const std::int64_t count = *value & kCountMask;
  memory.set(key, (index << kCountBits) | count);
  return count;
}

}  // namespace

Admission TokenBucket::take(Volatile& memory, std::string_view key, Time now, std::int64_t cost) const {
  const std::int64_t now_us = to_ms(now) * 1000;
  const std::int64_t interval = std::max<std::int64_t>(1, window.count() * 1000 / tokens);
  const std::int64_t full = now_us + interval * tokens;  // the arrival time of an empty bucket
  const std::int64_t stored = memory.get(key).value_or(now_us), arrival = std::clamp(stored, now_us, full);
  if (stored > full) memory.set(key, full);  // the clock has gone back
  const std::int64_t taken = arrival + std::clamp<std::int64_t>(cost, 0, tokens + 1) * interval;
  if (taken > full) return {false, Duration((taken - full + 999) / 1000), (full - arrival) / interval};
  memory.set(key, taken);
  return {true, Duration(0), (full - taken) / interval};
}

Admission FixedWindow::take(Volatile& memory, std::string_view key, Time now) const {
  const std::int64_t index = to_ms(now) / window.count();
  const std::int64_t count = count_in_window(memory, key, index);
  if (count >= std::min(limit, kCountMask)) return {false, Duration((index + 1) * window.count() - to_ms(now)), 0};
  memory.set(key, (index << kCountBits) | (count + 1));
  return {true, Duration(0), limit - count - 1};
}

Duration Breaker::wait(Volatile& memory, std::string_view key, Time now) const {
  const std::string open = named(key, "open");
  const auto until = memory.get(open);
  if (!until) return Duration(0);
  const std::int64_t left = std::min(*until, to_ms(now + cooldown)) - to_ms(now);
  if (left > 0) {
    if (*until > to_ms(now + cooldown)) memory.set(open, to_ms(now + cooldown));  // the clock has gone back
    return Duration(left);
  }
  memory.set(open, to_ms(now + cooldown));  // half open: the others wait for the probe
  return Duration(0);
}

void Breaker::settle(Volatile& memory, std::string_view key, Time now, bool ok) const {
  const std::string open = named(key, "open"), failed = named(key, "failed");
  if (ok) {
    memory.erase(open);
    memory.erase(failed);
    return;
  }
  const std::int64_t index = to_ms(now) / window.count();
  const std::int64_t count = std::min(count_in_window(memory, failed, index) + 1, kCountMask);
  memory.set(failed, (index << kCountBits) | count);
  if (count >= failures || memory.get(open)) memory.set(open, to_ms(now + cooldown));
}

}  // namespace tidemark::runtime
