#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

Given assigned_build() {
  return given<Builds>({registered("w1"), registered("w2"), submitted("b1"), assigned("b1", "w1")});
}
Given running_build() { return assigned_build().event(started("b1")); }

RecordTelemetry telemetry(const std::string& type, const std::string& worker = "w1") {
  RecordTelemetry command;
  command.build_id = "b1";
  command.worker_id = worker;
  command.type = type;
  command.sent_at = "2023-11-14T22:13:20Z";
  command.data.raw = "{}";
  return command;
}
RecordTelemetry marked(RecordTelemetry command) {
  command.last_mark_at = kT0;
  return command;
}
RecordTelemetry snapshot(std::int64_t cpu, std::int64_t memory) {
  RecordTelemetry command = marked(telemetry("cpu_snapshot"));
  command.reading = CpuReading{cpu, memory};
  return command;
}
TelemetryRecorded recorded(const std::string& type) {
  return {.pool_id = "default", .build_id = "b1", .worker_id = "w1", .attempt = 1, .type = type,
          .sent_at = "2023-11-14T22:13:20Z", .data = {"{}"}};
}
CpuSnapshotRecorded sampled(std::int64_t cpu, std::int64_t memory) {
  return {.pool_id = "default", .build_id = "b1", .attempt = 1, .reading = {cpu, memory}};
}

TEST(Telemetry, TheFirstOfAnAttemptStartsTheBuild) {
  auto g = assigned_build();
  g.when(telemetry("monitor_started"))
      .then({started("b1"), recorded("monitor_started"), logged("b1", 0, "[VM] Monitor started")})
      .then_reply(SignOfLifeReply{.timestamp = kT0, .active = true});
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::building);
}

TEST(Telemetry, AHeartbeatAddsALineForWhoeverDebugs) {
  RecordTelemetry command = marked(telemetry("heartbeat"));
  command.beat = VmBeat{.stage = "archiving", .cpu_millipercent = 45'250, .memory_mb = "2048.5", .disk_percent = "71", .count = "3"};
  running_build().when(command)
      .then({logged("b1", 0, LogLevel::debug, "[VM] Stage: archiving | CPU: 45.3% | Mem: 2048.5MB | Disk: 71% | Beat: 3")});
  command.beat = VmBeat{.stage = "initializing"};
  running_build().when(command)
      .then({logged("b1", 0, LogLevel::debug, "[VM] Stage: initializing | CPU: 0.0% | Mem: 0MB | Disk: 0% | Beat: 0")});
}

TEST(Telemetry, ASnapshotIsASampleAndNoLine) {
  running_build().when(snapshot(0, 0)).then({sampled(0, 0)});
  running_build().when(snapshot(kCpuMillipercentMax, kMemoryKbMax)).then({sampled(kCpuMillipercentMax, kMemoryKbMax)});
}

TEST(Telemetry, ASnapshotOutOfBoundsIsIgnored) {
  for (const auto& [cpu, memory] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {-1, 0}, {0, -1}, {kCpuMillipercentMax + 1, 0}, {0, kMemoryKbMax + 1}}) {
    running_build().when(snapshot(cpu, memory)).then_nothing().then_reply(SignOfLifeReply{.timestamp = kT0, .active = true});
  }
}

TEST(Telemetry, AReadingOfAnotherKindIsNoSample) {
  RecordTelemetry command = snapshot(1000, 1000);
  command.type = "heartbeat";
  running_build().when(command).then_nothing();
}

TEST(Telemetry, ItIsMarkedAtMostOnceInThirtySeconds) {
  running_build().after(29'999).when(marked(telemetry("other"))).then_nothing();
  running_build().after(30'000).when(marked(telemetry("other"))).then({recorded("other")});
}

TEST(Telemetry, OfOthersIsRefused) {
  assigned_build().when(telemetry("heartbeat", "w2")).then_refused("NOT_BUILD_OWNER", 403);
  RecordTelemetry unknown = telemetry("heartbeat");
  unknown.build_id = "b9";
  assigned_build().when(unknown).then_refused("BUILD_NOT_FOUND", 404);
  RecordTelemetry stale = telemetry("heartbeat");
  stale.attempt = 2;
  assigned_build().when(stale).then_refused("STALE_ATTEMPT", 403);
}

TEST(Telemetry, AfterTheEndItIsTreatedAsAHeartbeatIs) {
  const SignOfLifeReply ignored{.timestamp = kT0, .active = false};
  running_build().event(completed("b1", "w1")).when(snapshot(1, 1)).then_nothing().then_reply(ignored);
  running_build().event(timed_out("b1", "w1")).when(snapshot(1, 1)).then_nothing().then_reply(ignored);
  running_build().event(failed("b1", "w1")).when(snapshot(1, 1)).then_refused("BUILD_ALREADY_FINISHED", 409);
  running_build().event(cancelled("b1", "w1")).when(snapshot(1, 1)).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(Telemetry, ItNeverReachesTheState) {
  auto g = running_build();
  const auto before = g.state().rows();
  g.when(telemetry("cpu_snapshot")).when(snapshot(1, 1));
  EXPECT_EQ(before, g.state().rows());
}

SubmitDiagnostics report(const std::string& worker, const std::string& checks) {
  return {.worker_id = worker, .status = DiagnosticStatus::warning, .duration_ms = 12, .auto_fixed = true, .checks = {checks},
          .pool_id = std::nullopt};
}

TEST(Diagnostics, AReportOfAKnownWorkerIsKept) {
  auto g = given<Builds>({registered("w1")});
  g.when(report("w1", "[]")).then_types({"DiagnosticReported"});
  const auto id = std::get<DiagnosticReply>(g.reply()).report_id;
  ASSERT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  g.when(report("w1", "[]"));
  EXPECT_NE(std::get<DiagnosticReply>(g.reply()).report_id, id);
}

TEST(Diagnostics, TheWorkerIsLookedAtBeforeTheChecks) {
  given<Builds>({}).when(report("w1", "{}")).then_refused("WORKER_NOT_FOUND", 404);
  given<Builds>({registered("w1")}).when(report("w1", "{}")).then_refused("DIAGNOSTIC_CHECKS_INVALID", 400);
  given<Builds>({registered("w1")}).when(report("w1", "")).then_refused("DIAGNOSTIC_CHECKS_INVALID", 400);
}

}  // namespace
}  // namespace tidemark::commands::builds
