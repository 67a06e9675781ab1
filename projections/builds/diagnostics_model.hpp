#pragma once
// Read model "builds.diagnostics": reports of workers on themselves, newest first.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/builds/import_events.hpp"
#include "schemas/builds/samples.hpp"

namespace tidemark::projections::builds {

using schemas::builds::DiagnosticStatus;

struct DiagnosticView {
  std::string id;
  std::string worker_id;
  DiagnosticStatus status = DiagnosticStatus::healthy;
  std::int64_t run_at = 0;  ///< ms, of our clock
  std::int64_t duration_ms = 0;
  bool auto_fixed = false;
  std::string checks;       ///< JSON array, as sent
};
BOOST_DESCRIBE_STRUCT(DiagnosticView, (), (id, worker_id, status, run_at, duration_ms, auto_fixed, checks))

struct DiagnosticsModel {
  static constexpr std::string_view kName = "builds.diagnostics";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::builds::kSamplesTopic)}; }
  using Event = std::variant<schemas::builds::DiagnosticReported, schemas::builds::DiagnosticImported>;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

/// Reports of a worker that are young enough to be shown at `now`, newest first, until `visit` says no.
void scan_diagnostics(const RowReader& rows, std::string_view worker_id, Time now, FnRef<bool(const DiagnosticView&)> visit);
std::optional<DiagnosticView> latest_diagnostic(const RowReader& rows, std::string_view worker_id, Time now);

}  // namespace tidemark::projections::builds
