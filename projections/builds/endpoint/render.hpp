#pragma once
// Answers of the read routes, as the old controller's clients parse them: rows in, compact JSON out. Pure.

#include <cstdint>
#include <string>

#include "core/base/rows.hpp"
#include "projections/builds/builds_model.hpp"

namespace tidemark::projections::builds::endpoint {

/// GET /api/builds: a bare array, newest first; completedAt is absent, never null, while unfinished.
std::string list_json(const RowReader& rows, const ListFilter& filter);
/// GET /api/builds/active
std::string active_json(const RowReader& rows);
/// GET /api/builds/statistics: the only place that counts cancelled apart.
std::string statistics_json(const RowReader& rows);
/// GET /api/builds/:id
std::string detail_json(const RowReader& rows, const BuildView& build);
/// GET /api/builds/:id/status: times in ms, absent values null.
std::string status_json(const BuildView& build);
/// GET /api/builds/:id/logs; `rows` of the logs model.
std::string logs_json(const RowReader& rows, std::string_view build_id, std::optional<std::uint64_t> limit);
/// GET /api/workers/:id/stats
std::string worker_stats_json(const WorkerView& worker, Time now);
/// GET /public/stats; `rows` of the builds model, `samples` of the cpu model. Numbers always.
std::string public_stats_json(const RowReader& rows, const RowReader& samples, std::int64_t nodes_online, Time now);

}  // namespace tidemark::projections::builds::endpoint
