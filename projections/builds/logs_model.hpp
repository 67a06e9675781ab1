#pragma once
// Read model "builds.logs": log lines by (build, number), each stored as the JSON object that is served.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/builds/events.hpp"

namespace tidemark::projections::builds {

struct LogsModel {
  static constexpr std::string_view kName = "builds.logs";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::builds::kLogsTopic)}; }
  using Event = std::variant<schemas::builds::BuildLogAppended, schemas::builds::BuildLogImported>;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

/// The lines that an event brings, in order. `now`: when it was recorded.
void for_each_line(const LogsModel::Event& event, std::int64_t now,
                   FnRef<void(const std::string& build_id, std::int64_t timestamp, schemas::builds::LogLevel level, const std::string& message)> visit);

/// Appends `[{"timestamp":ms,"level":"...","message":"..."},...]`, in append order; the first `limit` lines when given.
void append_logs_json(const RowReader& rows, std::string_view build_id, std::optional<std::uint64_t> limit,
                      std::string& out);
/// Lines from number `first` on, one JSON object each, until `visit` says no; for following and paging.
void scan_logs(const RowReader& rows, std::string_view build_id, std::uint64_t first,
               FnRef<bool(std::uint64_t seq, std::string_view json)> visit);

}  // namespace tidemark::projections::builds
