#pragma once
// Time as the log knows it: UTC wall time in whole milliseconds, written as RFC 3339 on the wire.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<std::chrono::milliseconds>;  ///< UTC wall time
/// Monotonic time that goes on while the machine is suspended (CLOCK_BOOTTIME); for leases and deadlines.
using SteadyTime = std::chrono::time_point<struct SteadyTag, std::chrono::microseconds>;

inline std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }
inline Time from_ms(std::int64_t ms) { return Time(Duration(ms)); }

/// "2026-01-31T23:59:59.123Z", always with three decimals. Years 0000 to 9999; outside it is clamped.
std::string to_rfc3339(Time time);
/// Accepts RFC 3339 with any number of decimals (cut to ms) and any offset. nullopt when it is not one.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace tidemark
