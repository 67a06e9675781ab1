#pragma once
// What a build's virtual machine and a worker's self-test tell: telemetry, processor samples, diagnostics; the commands that
// bring them, the facts they become, the answers. Percentages and megabytes are counted in thousandths, so that sums are exact.

#include "schemas/builds/topics.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

/// How old a sample or diagnostic may be to be shown; totals keep it.
inline constexpr std::chrono::hours kSamplesShown{24 * 90};

// --- telemetry ---------------------------------------------------------------------------------------------------

inline constexpr std::string_view kMonitorStarted = "monitor_started";
inline constexpr std::string_view kVmHeartbeat = "heartbeat";
inline constexpr std::string_view kCpuSnapshot = "cpu_snapshot";

inline constexpr std::int64_t kCpuMillipercentMax = 1'000'000;  ///< 1000 %
inline constexpr std::int64_t kMemoryKbMax = 1'000'000'000;     ///< 1,000,000 MB

struct CpuReading {
  static constexpr std::string_view kDescription = "Load of a virtual machine.";
  std::int64_t cpu_millipercent = 0;  ///< 0 to kCpuMillipercentMax
  std::int64_t memory_kb = 0;         ///< thousandths of a megabyte, 0 to kMemoryKbMax
  auto operator<=>(const CpuReading&) const = default;
};
BOOST_DESCRIBE_STRUCT(CpuReading, (), (cpu_millipercent, memory_kb))

struct VmBeat {
  static constexpr std::string_view kDescription = "What a monitor's heartbeat says, for the build's log; numbers but the load as the client wrote them.";
  std::string stage{};
  std::int64_t cpu_millipercent = 0;
  std::string memory_mb{};
  std::string disk_percent{};
  std::string count{};
  auto operator<=>(const VmBeat&) const = default;
};
BOOST_DESCRIBE_STRUCT(VmBeat, (), (stage, cpu_millipercent, memory_mb, disk_percent, count))

struct RecordTelemetry {
  static constexpr std::string_view kDescription =
      "A virtual machine's monitor speaks: a sign of life. A reading out of bounds is ignored. Refused: BUILD_NOT_FOUND, "
      "NOT_BUILD_OWNER, STALE_ATTEMPT, BUILD_ALREADY_FINISHED.";
  static constexpr std::string_view kType = "RecordTelemetry";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  Credential credential = Credential::api_key;
  std::optional<std::string> worker_id{};      ///< absent: whoever owns it
  std::optional<std::uint32_t> attempt{};      ///< of the credential; checked when given
  std::string type{};                          ///< as sent: monitor_started, heartbeat, cpu_snapshot, or another
  std::optional<std::string> sent_at{};        ///< the client's clock, as sent
  event::Json data{};                          ///< as sent; absent when it was large
  std::optional<CpuReading> reading{};         ///< of a cpu_snapshot
  std::optional<VmBeat> beat{};                ///< of a heartbeat
  std::optional<std::int64_t> last_mark_at{};  ///< of the last mark on builds.activity, from the owner's memory
  std::optional<std::string> pool_id{};        ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(RecordTelemetry, (), (build_id, credential, worker_id, attempt, type, sent_at, data, reading, beat,
                                            last_mark_at, pool_id))

struct TelemetryRecorded {
  static constexpr std::string_view kDescription =
      "Telemetry of a virtual machine, at most one per build and mark interval. Ephemeral: nothing that is decided is folded "
      "from it.";
  static constexpr std::string_view kType = "TelemetryRecorded";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kActivityTopic;
  static constexpr bool kIgnorable = true;
  std::string subject() const { return build_id; }
  std::string record_key() const { return build_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;
  std::string type{};
  std::optional<std::string> sent_at{};
  event::Json data{};
};
BOOST_DESCRIBE_STRUCT(TelemetryRecorded, (), (pool_id, build_id, worker_id, attempt, type, sent_at, data))

struct CpuSnapshotRecorded {
  static constexpr std::string_view kDescription = "Processor and memory load of a build's virtual machine; its time is the envelope's.";
  static constexpr std::string_view kType = "CpuSnapshotRecorded";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kSamplesTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return build_id; }

  std::string pool_id{};
  std::string build_id{};
  std::uint32_t attempt = 0;
  CpuReading reading{};
};
BOOST_DESCRIBE_STRUCT(CpuSnapshotRecorded, (), (pool_id, build_id, attempt, reading))

// --- diagnostics -------------------------------------------------------------------------------------------------

enum class DiagnosticStatus { healthy, warning, critical };
BOOST_DESCRIBE_ENUM(DiagnosticStatus, healthy, warning, critical)
std::string_view name_of(DiagnosticStatus status);
std::optional<DiagnosticStatus> parse_diagnostic_status(std::string_view text);

struct SubmitDiagnostics {
  static constexpr std::string_view kDescription =
      "A worker reports on itself. Refused: WORKER_NOT_FOUND, DIAGNOSTIC_CHECKS_INVALID.";
  static constexpr std::string_view kType = "SubmitDiagnostics";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string worker_id{};
  DiagnosticStatus status = DiagnosticStatus::healthy;
  std::int64_t duration_ms = 0;
  bool auto_fixed = false;
  event::Json checks{};                  ///< an array, kept as it is
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(SubmitDiagnostics, (), (worker_id, status, duration_ms, auto_fixed, checks, pool_id))

struct DiagnosticReported {
  static constexpr std::string_view kDescription = "A worker's report on itself; when it was run is the envelope's time.";
  static constexpr std::string_view kType = "DiagnosticReported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kSamplesTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return worker_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::string report_id{};
  DiagnosticStatus status = DiagnosticStatus::healthy;
  std::int64_t duration_ms = 0;
  bool auto_fixed = false;
  event::Json checks{};
};
BOOST_DESCRIBE_STRUCT(DiagnosticReported, (), (pool_id, worker_id, report_id, status, duration_ms, auto_fixed, checks))

struct DiagnosticReply {
  static constexpr std::string_view kDescription = "Answer of SubmitDiagnostics.";
  std::string report_id{};
};
BOOST_DESCRIBE_STRUCT(DiagnosticReply, (), (report_id))

}  // namespace tidemark::schemas::builds
