#pragma once
// A history to copy: decisions with their events in several topics of a log in memory, some of it cut.

#include <gtest/gtest.h>

#include <random>

#include "replay/copy/comparison.hpp"
#include "replay/copy/copy.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::replay::test {

using testing::LogHistory;
using testing::MemoryLog;
using testing::VirtualScheduler;

inline const std::vector<log::TopicSpec>& specs() {
  static const std::vector<log::TopicSpec> all{{"shop.ledger", log::TopicClass::fact, {}, {}},
                                               {"shop.activity", log::TopicClass::ephemeral, std::chrono::hours(12), 1u << 30},
                                               {"shop.commands", log::TopicClass::commands, {}, {}},
                                               {"shop.decisions", log::TopicClass::decisions, std::chrono::hours(24 * 7), {}},
                                               {"shop.dead-letters", log::TopicClass::dead_letters, std::chrono::hours(24 * 30), {}}};
  return all;
}

/// Writes as an owner does.
class Shop {
 public:
  explicit Shop(std::shared_ptr<LogHistory> history, std::uint32_t seed = 1) : history_(std::move(history)), draw_(seed) {
    for (const auto& spec : specs()) ids.push_back(*log.open_topic(spec));
  }
  /// A decision with up to this many events in the ledger and in activity, all in one append.
  void decide(std::uint32_t lane, std::size_t ledger, std::size_t activity) {
    now_ += static_cast<std::int64_t>(draw_() % 3);
    log::LaneBatch batch;
    std::string named;
    for (const auto& [topic, count] : {std::pair{std::size_t{0}, ledger}, std::pair{std::size_t{1}, activity}}) {
      if (count == 0) continue;
      const std::uint64_t first = log.end(ids[topic], LaneId{lane}).value;
      log::RecordBatchBuilder records;
      for (std::size_t i = 0; i < count; ++i) {
        add(records, "event " + std::to_string(draw_()));
        named += (named.empty() ? "" : ",") + std::string("{\"topic\":\"") + specs()[topic].name + "\",\"tmseq\":" + std::to_string(first + i) + ",\"type\":\"t\",\"subject\":\"s\"}";
      }
      batch.topics.push_back({ids[topic], Tmseq{first}, std::move(records)});
    }
    log::RecordBatchBuilder records;
    add(records, "{\"verdict\":\"accepted\",\"events\":[" + named + "]}");
    batch.topics.push_back({ids[3], log.end(ids[3], LaneId{lane}), std::move(records)});
    append(lane, std::move(batch));
  }
  /// Completions of this log.
  bool step() { return scheduler_.step(); }
  void letter(std::uint32_t lane) {
    log::RecordBatchBuilder records;
    add(records, "not to be read");
    log::LaneBatch batch;
    batch.topics.push_back({ids[4], log.end(ids[4], LaneId{lane}), std::move(records)});
    append(lane, std::move(batch));
  }
  void run(std::size_t decisions) {
    for (std::size_t i = 0; i < decisions; ++i) {
      const auto lane = static_cast<std::uint32_t>(draw_() % 2);  // the third stays empty
      decide(lane, draw_() % 4, draw_() % 3);
      if (draw_() % 9 == 0) letter(lane);
    }
  }

 private:
  std::shared_ptr<LogHistory> history_;
  std::mt19937 draw_;
  std::int64_t now_ = 1'700'000'000'000;
  VirtualScheduler scheduler_;

  void add(log::RecordBatchBuilder& records, const std::string& value) {
    const std::string key = "k" + std::to_string(draw_() % 7);
    const std::string empty;
    const std::vector<event::HeaderView> headers{{"ce_id", value}, {"null", std::nullopt}, {"empty", empty}};
    event::RecordView record;
    record.timestamp_ms = now_;
    if (draw_() % 5 != 0) record.key = key;
    if (draw_() % 11 != 0 || value.starts_with("{")) record.value = value;
    record.headers = headers;
    records.add(record);
  }
  void append(std::uint32_t lane, log::LaneBatch batch) {
    bool written = false;
    log.take(LaneId{lane}, [&](Result<log::Ownership> owner) {
      log.append(*owner, std::move(batch), [&](Result<void> result) { written = result.ok(); });
    });
    scheduler_.run_until([&] { return written; });
    EXPECT_TRUE(written);
  }

 public:
  MemoryLog log{history_, scheduler_};
  std::vector<log::TopicId> ids;
};

}  // namespace tidemark::replay::test
