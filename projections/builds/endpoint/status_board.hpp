#pragma once
// What the status page shows, as the sections of a board: rows and the owner's memory in, JSON out. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/rows.hpp"
#include "core/base/time.hpp"
#include "core/http/live_board.hpp"

namespace tidemark::projections::builds::endpoint {

/// What only the pool's owner knows. Times are ms.
struct LiveSigns {
  std::function<std::optional<std::int64_t>(std::string_view build_id)> build_seen;
  /// In tenths of a percent, of that attempt.
  std::function<std::optional<std::int64_t>(std::string_view build_id, std::uint32_t attempt)> progress;
  /// What its virtual machine last said that it does, in that attempt.
  std::function<std::optional<std::string_view>(std::string_view build_id, std::uint32_t attempt)> stage;
  std::function<std::optional<std::int64_t>(std::string_view worker_id)> worker_contact;
  std::int64_t workers_online = 0;
};

inline constexpr std::size_t kQueueShown = 50;
inline constexpr std::size_t kRunningShown = 200;
inline constexpr std::size_t kWorkersShown = 200;

/// Sections "totals" (one item), "queue", "active", "workers", "finished", "failures". `status` and `builds` are rows of those
/// models. What would change all the time is rounded, so that viewers are told of it seldom: a sign of life down to five seconds,
/// a worker's contact to minutes.
std::vector<http::BoardSection> status_sections(const RowReader& status, const RowReader& builds, const LiveSigns& signs, Time now);

}  // namespace tidemark::projections::builds::endpoint
