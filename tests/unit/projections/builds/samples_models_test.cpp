#include "projections/builds/cpu_model.hpp"
#include "projections/builds/diagnostics_model.hpp"
#include "projections/builds/endpoint/render_samples.hpp"
#include "tests/unit/projections/builds/model.hpp"

namespace tidemark::projections::builds {
namespace {

constexpr std::int64_t kShownMs = std::chrono::milliseconds(kSamplesShown).count();

CpuSnapshotRecorded sample(const std::string& build, std::int64_t cpu, std::int64_t memory) {
  return {.pool_id = "default", .build_id = build, .attempt = 1, .reading = {cpu, memory}};
}
DiagnosticReported report(const std::string& worker, const std::string& id) {
  return {.pool_id = "default", .worker_id = worker, .report_id = id, .status = DiagnosticStatus::healthy, .duration_ms = 5,
          .auto_fixed = false, .checks = {R"([{"name":"disk"}])"}};
}
std::string ids(const Fed<DiagnosticsModel>& model, const std::string& worker, std::int64_t now_ms) {
  std::string out;
  scan_diagnostics(model.rows(), worker, from_ms(kT0 + now_ms), [&](const DiagnosticView& view) {
    out += view.id + " ";
    return true;
  });
  return out;
}

TEST(CpuModel, SamplesOfABuildComeOldestFirst) {
  Fed<CpuModel> model;
  model.at(10)(sample("b1", 45'250, 2'048'500)).at(20)(sample("b1", 1'000, 1'000)).at(15)(sample("b0", 7, 7)).at(30)(sample("b10", 7, 7));
  std::vector<CpuSample> seen;
  scan_cpu(model.rows(), "b1", from_ms(kT0), [&](const CpuSample& one) {
    seen.push_back(one);
    return true;
  });
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].timestamp, kT0 + 10);
  EXPECT_EQ(seen[0].cpu_percent, 45.25);
  EXPECT_EQ(seen[0].memory_mb, 2048.5);
  EXPECT_EQ(seen[1].timestamp, kT0 + 20);
}

TEST(CpuModel, WhatIsHiddenAfterNinetyDaysStaysInTheTotals) {
  Fed<CpuModel> model;
  model.at(0)(sample("b1", 10'000, 0)).at(kShownMs)(sample("b1", 30'000, 0));
  int shown = 0;
  const auto count = [&](const CpuSample&) {
    ++shown;
    return true;
  };
  scan_cpu(model.rows(), "b1", from_ms(kT0 + kShownMs), count);
  EXPECT_EQ(shown, 2);
  shown = 0;
  scan_cpu(model.rows(), "b1", from_ms(kT0 + kShownMs + 1), count);
  EXPECT_EQ(shown, 1);
  EXPECT_EQ(cpu_totals(model.rows()).count, 2);
  EXPECT_EQ(cpu_totals(model.rows()).mean_percent(), 20);
  EXPECT_EQ(CpuTotals{}.mean_percent(), 0);
}

TEST(DiagnosticsModel, ReportsOfAWorkerComeNewestFirst) {
  Fed<DiagnosticsModel> model;
  model.at(10)(report("w1", "first")).at(20)(report("w1", "second"))(report("w1", "third")).at(30)(report("w", "other"))(report("w10", "other"));
  EXPECT_EQ(ids(model, "w1", 30), "third second first ");
  EXPECT_EQ(ids(model, "w1", 20 + kShownMs), "third second ");
  EXPECT_EQ(ids(model, "w1", 21 + kShownMs), "");
  EXPECT_EQ(latest_diagnostic(model.rows(), "w1", from_ms(kT0))->id, "third");
  EXPECT_FALSE(latest_diagnostic(model.rows(), "w2", from_ms(kT0)));
}

TEST(DiagnosticsModel, AReportIsShownAsItsChecksWereSent) {
  Fed<DiagnosticsModel> model;
  model.at(10)(report("w1", "r1"))(report("w1", "r2"));
  const std::string json = R"({"id":"r1","worker_id":"w1","status":"healthy","run_at":1700000000010,"duration_ms":5,"auto_fixed":false,)"
                           R"("checks":[{"name":"disk"}]})";
  EXPECT_EQ(endpoint::diagnostics_json(model.rows(), "w1", 0, from_ms(kT0)), R"({"worker_id":"w1","reports":[]})");
  EXPECT_EQ(endpoint::diagnostics_json(model.rows(), "w2", 10, from_ms(kT0)), R"({"worker_id":"w2","reports":[]})");
  std::string both = endpoint::diagnostics_json(model.rows(), "w1", 10, from_ms(kT0));
  EXPECT_EQ(both.substr(both.size() - json.size() - 2), json + "]}");
  EXPECT_EQ(endpoint::diagnostics_json(model.rows(), "w1", 1, from_ms(kT0)).find("r1"), std::string::npos);
}

}  // namespace
}  // namespace tidemark::projections::builds
