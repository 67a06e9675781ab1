#pragma once
// Answers about workers' reports on themselves: rows in, compact JSON out. Pure.

#include <cstdint>
#include <string>

#include "core/base/rows.hpp"
#include "projections/builds/diagnostics_model.hpp"

namespace tidemark::projections::builds::endpoint {

/// GET /api/diagnostics/:worker_id/latest
std::string diagnostic_json(const DiagnosticView& report);
/// GET /api/diagnostics/:worker_id: the newest `limit`
std::string diagnostics_json(const RowReader& rows, std::string_view worker_id, std::uint64_t limit, Time now);

}  // namespace tidemark::projections::builds::endpoint
