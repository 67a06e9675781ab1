#pragma once
// A log on Kafka in the hands of an owner that does what a node does: after an append of which nobody knows it takes the lane
// again and looks whether the append is there.

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/log/kafka/kafka_log.hpp"
#include "tests/support/mailbox/mailbox.hpp"

namespace tidemark::log::test {

using tidemark::testing::Mailbox;

/// How long an append may take until its outcome is called unknown: as a node has it where brokers or owners fail, and so long
/// elsewhere that a machine which is merely slow is no fault.
inline const Duration kNodesPatience = KafkaLogOptions().append_patience, kSlowMachinesPatience = std::chrono::seconds(60);

inline KafkaLogOptions kafka_options(const std::string& bootstrap, std::string prefix, Duration append_patience = kSlowMachinesPatience) {
  KafkaLogOptions options;
  options.append_patience = append_patience;
  options.client.transaction_timeout = std::max(options.client.transaction_timeout, append_patience + std::chrono::seconds(30));
  options.patience = std::chrono::seconds(60);
  options.client.brokers = bootstrap;
  if (::getenv("KAFKA_SAYS") != nullptr) {
    options.client.log = [](int level, std::string_view facility, std::string_view text) {
      std::fprintf(stderr, "%d %.*s %.*s\n", level, static_cast<int>(facility.size()), facility.data(), static_cast<int>(text.size()), text.data());
    };
  }
  options.prefix = std::move(prefix);
  options.lanes = 4;
  options.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
  return options;
}

class Rig {
 public:
  enum class Outcome { written, not_written, fenced };

  Rig(const std::string& bootstrap, const std::string& prefix, Duration append_patience = kSlowMachinesPatience) {
    auto opened = open_kafka_log(home_, kafka_options(bootstrap, prefix, append_patience));
    if (!opened) throw std::runtime_error(describe(opened.error()));
    log_ = std::move(*opened);
    ledger = topic("builds.ledger", TopicClass::fact);
    decisions = topic("builds.decisions", TopicClass::decisions);
  }
  EventLog& log() { return *log_; }
  TopicId ledger, decisions;

  TopicId topic(const std::string& name, TopicClass topic_class) {
    auto id = log_->open_topic(TopicSpec{name, topic_class});
    if (!id) throw std::runtime_error(describe(id.error()));
    return *id;
  }

  /// False when the log refuses; tried for minutes while it does not answer.
  bool take_lane(std::uint32_t lane) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      std::optional<Result<Ownership>> result;
      log_->take(LaneId{lane}, [&](Result<Ownership> r) { result = std::move(r); });
      wait([&] { return result.has_value(); });
      if (result->ok()) {
        owned_[lane] = **result;
        return true;
      }
      last_error = describe(result->error());
      if (result->error().code != Code::unavailable || std::chrono::steady_clock::now() > deadline) return false;
    }
  }

  static TopicRecords record(TopicId topic, Tmseq first, const std::string& value) {
    TopicRecords out;
    out.topic = topic;
    out.first = first;
    event::RecordView view;
    view.value = value;
    view.timestamp_ms = 1700000000000;
    out.records.add(view);
    return out;
  }
  Result<void> append(Ownership ownership, LaneBatch batch) {
    std::optional<Result<void>> result;
    log_->append(ownership, std::move(batch), [&](Result<void> r) { result = std::move(r); });
    wait([&] { return result.has_value(); });
    return std::move(*result);
  }
  /// One record with this value at the end of both topics.
  Outcome append_pair(std::uint32_t lane, const std::string& value) {
    const Tmseq at = log_->end(ledger, LaneId{lane});
    LaneBatch batch;
    batch.topics.push_back(record(ledger, at, value));
    batch.topics.push_back(record(decisions, log_->end(decisions, LaneId{lane}), value));
    auto result = append(owned_[lane], std::move(batch));
    if (result) return Outcome::written;
    last_error = describe(result.error());
    if (result.error().code == Code::fenced) return Outcome::fenced;
    if (result.error().code != Code::outcome_unknown) return Outcome::not_written;
    ++unknown;
    if (!take_lane(lane)) throw std::runtime_error("the lane cannot be taken: " + last_error);
    const auto found = values(ledger, lane, at.value);
    return !found.empty() && found.front() == value ? Outcome::written : Outcome::not_written;
  }
  /// From `from` to the end; names what is wrong instead of a value.
  std::vector<std::string> values(TopicId topic, std::uint32_t lane, std::uint64_t from = 0) {
    std::vector<std::string> out;
    std::uint64_t next = from;
    while (next < log_->end(topic, LaneId{lane}).value) {
      auto batches = log_->read(topic, LaneId{lane}, Tmseq{next}, 1u << 20);
      if (!batches || batches->empty()) {
        out.push_back(batches ? "nothing below the end" : describe(batches.error()));
        return out;
      }
      for (const StoredBatch& stored : *batches) {
        auto reader = RecordBatchReader::open(stored.view());
        while (reader.ok() && !reader->done()) {
          auto record = reader->next();
          if (!record || record->offset < static_cast<std::int64_t>(next)) continue;
          out.emplace_back(record->value.value_or(""));
          ++next;
        }
      }
    }
    return out;
  }
  void wait(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      (void)home_.run_one();
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("nothing happened for minutes; the last error: " + last_error);
    }
  }
  Ownership owned(std::uint32_t lane) { return owned_[lane]; }

  std::string last_error;
  int unknown = 0;  ///< appends that had to be settled

 private:
  static constexpr auto kPatience = std::chrono::minutes(3);
  Mailbox home_;
  std::unique_ptr<EventLog> log_;
  std::map<std::uint32_t, Ownership> owned_;
};

}  // namespace tidemark::log::test
