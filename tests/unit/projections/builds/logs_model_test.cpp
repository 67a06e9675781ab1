#include "tests/unit/projections/builds/model.hpp"

namespace tidemark::projections::builds {
namespace {

BuildLogAppended lines(const std::string& build, std::uint64_t first, std::vector<LogEntry> entries) {
  return {.pool_id = "default", .build_id = build, .first_seq = first, .entries = std::move(entries)};
}
std::string json(const Fed<LogsModel>& model, std::string_view build,
                 std::optional<std::uint64_t> limit = std::nullopt) {
  std::string out;
  append_logs_json(model.rows(), build, limit, out);
  return out;
}

TEST(LogsModel, LinesAreServedInAppendOrder) {
  Fed<LogsModel> model;
  model(lines("b1", 0, {{LogLevel::info, "Build submitted"}}));
  model(lines("b10", 0, {{LogLevel::info, "other"}}));
  model.at(5)(lines("b1", 1, {{LogLevel::error, "say \"no\""}, {LogLevel::debug, "x"}}));
  EXPECT_EQ(json(model, "b1"),
            R"([{"timestamp":1700000000000,"level":"info","message":"Build submitted"},)"
            R"({"timestamp":1700000000005,"level":"error","message":"say \"no\""},)"
            R"({"timestamp":1700000000005,"level":"debug","message":"x"}])");
}

TEST(LogsModel, ALimitGivesTheFirstLines) {
  Fed<LogsModel> model;
  model(lines("b1", 0, {{LogLevel::info, "1"}, {LogLevel::info, "2"}, {LogLevel::info, "3"}}));
  EXPECT_EQ(json(model, "b1", 0), "[]");
  EXPECT_EQ(json(model, "b1", 1), R"([{"timestamp":1700000000000,"level":"info","message":"1"}])");
  EXPECT_EQ(json(model, "b1", 9), json(model, "b1"));
  EXPECT_EQ(json(model, "b9"), "[]");
}

TEST(LogsModel, TheTenthLineComesAfterTheNinth) {
  Fed<LogsModel> model;
  for (std::uint64_t i = 0; i < 300; ++i) model(lines("b1", i, {{LogLevel::info, std::to_string(i)}}));
  std::uint64_t next = 250;
  scan_logs(model.rows(), "b1", 250, [&](std::uint64_t seq, std::string_view) { return seq == next++; });
  EXPECT_EQ(next, 300u);
}

TEST(LogsModel, ImportedLinesHaveTheirOwnTimes) {
  Fed<LogsModel> model;
  BuildLogImported imported;
  imported.logs = {.build_id = "b1", .lines = {{.row = 4, .timestamp = 7, .level = LogLevel::debug, .message = "old"}}, .pass_end = 4, .pass_complete = true};
  model(imported);
  std::string out;
  append_logs_json(model.rows(), "b1", std::nullopt, out);
  EXPECT_EQ(out, R"([{"timestamp":7,"level":"debug","message":"old"}])");
}

}  // namespace
}  // namespace tidemark::projections::builds
