#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

AppendLogs append(std::vector<LogEntry> entries) {
  return {.build_id = "b1", .credential = Credential::api_key, .worker_id = "w1", .attempt = std::nullopt,
          .entries = std::move(entries), .pool_id = std::nullopt};
}
Given working() {
  return given<Builds>({registered("w1"), submitted("b1"), logged("b1", 0, "Build submitted"), assigned("b1", "w1")});
}

TEST(Logs, LinesAreNumberedOn) {
  auto g = working();
  g.when(append({{LogLevel::info, "one"}, {LogLevel::warn, "two"}}))
      .then({BuildLogAppended{.pool_id = "default", .build_id = "b1", .first_seq = 1,
                              .entries = {{LogLevel::info, "one"}, {LogLevel::warn, "two"}}}})
      .then_reply(LogsReply{.appended = 2});
  g.when(append({{LogLevel::error, "three"}})).then({logged("b1", 3, LogLevel::error, "three")});
}

TEST(Logs, TheyAreTakenAfterTheEnd) {
  working().event(completed("b1", "w1")).when(append({{LogLevel::info, "bye"}})).then({logged("b1", 1, "bye")});
}

TEST(Logs, NoLinesAreNothing) { working().when(append({})).then_nothing().then_reply(LogsReply{.appended = 0}); }

TEST(Logs, ManyAreSplitIntoEventsThatFitARecord) {
  auto g = working();
  const std::string line(200 << 10, 'x');
  g.when(append({{LogLevel::info, line}, {LogLevel::info, line}, {LogLevel::info, line}, {LogLevel::info, line}}));
  ASSERT_EQ(g.events().size(), 2u);
  EXPECT_EQ(std::get<BuildLogAppended>(g.events()[0]).entries.size(), 2u);
  EXPECT_EQ(std::get<BuildLogAppended>(g.events()[1]).first_seq, 3u);
}

TEST(Logs, OfOthersAreRefused) {
  AppendLogs command = append({{LogLevel::info, "x"}});
  command.worker_id = "w2";
  working().when(command).then_refused("NOT_BUILD_OWNER", 403);
  command.worker_id = "w1";
  given<Builds>({registered("w1"), submitted("b1")}).when(command).then_refused("NOT_BUILD_OWNER", 403);
  given<Builds>({}).when(command).then_refused("BUILD_NOT_FOUND", 404);
  command.attempt = 7;
  working().when(command).then_refused("STALE_ATTEMPT", 403);
}

}  // namespace
}  // namespace tidemark::commands::builds
