#pragma once
// A journal over the simulated disk and, beside it, a model that knows only what was asked and what was answered.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log/embedded/embedded_log.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"

namespace tidemark::log::test {

inline constexpr std::uint32_t kLanes = 3;
inline constexpr std::size_t kTopics = 3;  ///< a fact topic, decisions, an ephemeral topic

/// What was asked of the log, and how it answered.
struct Asked {
  std::uint32_t lane = 0;
  std::vector<std::pair<std::size_t, std::vector<std::string>>> topics;  // topic number, values
  enum class Fate { pending, accepted, refused, unknown } fate = Fate::pending;
  Code code = Code::uninitialised;
};

class JournalRig {
 public:
  explicit JournalRig(std::uint64_t seed, std::uint64_t segment_bytes = 4096) : disk(seed), segment_bytes_(segment_bytes) {}
  ~JournalRig() { close(); }

  EmbeddedLogOptions options() {
    EmbeddedLogOptions out;
    out.directory = "log";
    out.lanes = kLanes;
    out.segment_bytes = segment_bytes_;
    out.commit_bytes_max = 2048;
    out.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
    if (sealing) {
      out.sealer = &sealer;
      out.now = [this] { return now; };
      out.on_sealing = [this](const SealingReport& report) { sealed.push_back(report); };
    }
    return out;
  }

  /// Opens, declares the topics and takes all lanes. The error when any of it fails.
  Result<void> open() {
    auto opened = open_embedded_log(disk, home, writer, options(), &report);
    if (!opened) return opened.take_error();
    log = std::move(*opened);
    for (std::size_t i = 0; i < kTopics; ++i) {
      auto id = log->open_topic(specs[i]);
      if (!id) return id.take_error();
      topics[i] = *id;
    }
    Result<void> result;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      log->take(LaneId{lane}, [&, lane](Result<Ownership> r) {
        if (r) owners[lane] = *r;
        else result = r.take_error();
      });
      for (std::size_t t = 0; t < kTopics; ++t) next[{t, lane}] = log->end(topics[t], LaneId{lane}).value;
    }
    run();
    return result;
  }

  void close() {
    log.reset();
    run();
    home.clear();
    writer.clear();
    sealer.clear();
  }

  void run() { tidemark::test::run_all({&writer, &home, &sealer}); }

  /// Asks for an append of `counts[t]` values to each topic; the answer goes into the model when it comes.
  void append(std::uint32_t lane, std::vector<std::size_t> counts, std::size_t value_bytes = 20) {
    const std::size_t number = asked.size();
    Asked entry;
    entry.lane = lane;
    LaneBatch batch;
    for (std::size_t t = 0; t < counts.size(); ++t) {
      if (counts[t] == 0) continue;
      TopicRecords records;
      records.topic = topics[t];
      records.first = Tmseq{next[{t, lane}]};
      std::vector<std::string> values;
      for (std::size_t i = 0; i < counts[t]; ++i) {
        std::string value = std::to_string(number) + "." + std::to_string(t) + "." + std::to_string(i) + " ";
        value.resize(std::max(value.size(), value_bytes), 'v');
        event::RecordView record;
        record.key = "key";
        record.value = value;
        record.timestamp_ms = to_ms(now);
        records.records.add(record);
        values.push_back(std::move(value));
      }
      next[{t, lane}] += counts[t];
      entry.topics.emplace_back(t, std::move(values));
      batch.topics.push_back(std::move(records));
    }
    asked.push_back(std::move(entry));
    log->append(owners[lane], std::move(batch), [this, number](Result<void> r) {
      Asked& a = asked[number];
      ASSERT_EQ(a.fate, Asked::Fate::pending) << "answered twice";
      a.fate = r ? Asked::Fate::accepted : r.error().code == Code::outcome_unknown ? Asked::Fate::unknown : Asked::Fate::refused;
      if (!r) a.code = r.error().code;
      if (!r) resync(a.lane);
    });
  }

  /// After an append that was not written, the lane goes on where the log ends.
  void resync(std::uint32_t lane) {
    for (std::size_t t = 0; t < kTopics; ++t) next[{t, lane}] = log ? log->end(topics[t], LaneId{lane}).value : 0;
  }

  /// All values of a partition from its begin on, or what went wrong.
  Result<std::vector<std::string>> values(std::size_t topic, std::uint32_t lane) const {
    std::vector<std::string> out;
    const std::uint64_t begin = log->begin(topics[topic], LaneId{lane}).value;
    const std::uint64_t end = log->end(topics[topic], LaneId{lane}).value;
    while (begin + out.size() < end) {
      auto batches = log->read(topics[topic], LaneId{lane}, Tmseq{begin + out.size()}, 700);
      if (!batches) return batches.take_error();
      if (batches->empty()) return make_error(Code::internal, "nothing read below the end");
      for (const auto& stored : *batches) {
        if (stored.first.value != begin + out.size()) return make_error(Code::internal, "a gap");
        auto reader = RecordBatchReader::open(stored.view());
        if (!reader) return reader.take_error();
        while (!reader->done()) {
          auto record = reader->next();
          if (!record) return record.take_error();
          out.emplace_back(*record->value);
        }
      }
    }
    return out;
  }

  /// Compares the log with the model: everything accepted once, nothing refused, the rest wholly or not at all, in order.
  /// What retention has cut is judged by the append's other topics. What is found of the rest counts as accepted from then
  /// on. Empty when all is well.
  std::string compare() {
    struct Partition {
      std::vector<std::string> values;
      std::size_t begin = 0;
      std::size_t at = 0;  // tmseq
    };
    std::map<std::pair<std::size_t, std::uint32_t>, Partition> found;
    for (std::size_t t = 0; t < kTopics; ++t) {
      for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        auto v = values(t, lane);
        if (!v) return describe(v.error());
        found[{t, lane}] = Partition{std::move(*v), log->begin(topics[t], LaneId{lane}).value, 0};
      }
    }
    for (std::size_t number = 0; number < asked.size(); ++number) {
      Asked& a = asked[number];
      std::size_t present = 0, absent = 0;
      std::vector<std::pair<Partition*, std::size_t>> cut;
      for (const auto& [topic, expected] : a.topics) {
        Partition& p = found[{topic, a.lane}];
        std::size_t same = 0;
        bool differs = false;
        while (same < expected.size() && !differs) {
          const std::size_t at = p.at + same;
          differs = at >= p.begin + p.values.size() || (at >= p.begin && p.values[at - p.begin] != expected[same]);
          same += differs ? 0 : 1;
        }
        if (p.at < p.begin && same == expected.size()) {
          cut.emplace_back(&p, same);
          p.at += same;
          continue;
        }
        if (p.at < p.begin) same = 0;  // nothing is cut in the middle of an append
        if (same != 0 && same != expected.size()) return "append " + std::to_string(number) + " is there in part";
        ++(same != 0 ? present : absent);
        p.at += same;
      }
      if (present != 0 && absent != 0) return "append " + std::to_string(number) + " is in some of its topics only";
      const bool is_there = present != 0 || (absent == 0 && a.fate != Asked::Fate::refused);
      if (!is_there) {
        for (const auto& [p, size] : cut) p->at -= size;
      }
      if (!is_there && a.fate == Asked::Fate::accepted) return "append " + std::to_string(number) + " was accepted and is lost";
      if (is_there && a.fate == Asked::Fate::refused) return "append " + std::to_string(number) + " was refused and is there";
      a.fate = is_there ? Asked::Fate::accepted : Asked::Fate::refused;
    }
    for (const auto& [key, p] : found) {
      if (p.at != p.begin + p.values.size()) return "topic " + std::to_string(key.first) + " lane " + std::to_string(key.second) + " holds what nobody asked for";
    }
    return "";
  }

  tidemark::test::SimDisk disk;
  tidemark::test::ManualExecutor home, writer, sealer;
  bool sealing = false;
  Time now = from_ms(1700000000000);
  std::vector<SealingReport> sealed;
  std::vector<TopicSpec> specs{{"builds.ledger", TopicClass::fact}, {"builds.decisions", TopicClass::decisions},
                               {"builds.activity", TopicClass::ephemeral, Duration(60'000)}};
  std::unique_ptr<EmbeddedLog> log;
  RecoveryReport report;
  TopicId topics[kTopics];
  Ownership owners[kLanes];
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint64_t> next;
  std::vector<Asked> asked;

 private:
  std::uint64_t segment_bytes_;
};

/// A short life: single appends, group commits, several topics, enough to change segments.
inline void live(JournalRig& rig) {
  for (int round = 0; round < 5; ++round) {
    rig.append(0, {1, 1});
    rig.run();
    rig.append(0, {2, 0});
    rig.append(1, {1, 1}, 150);
    rig.append(2, {0, 3});
    rig.append(0, {0, 1});
    rig.run();
    rig.append(1, {3, 1}, 200);
    rig.run();
  }
}

}  // namespace tidemark::log::test
