#pragma once
// What one batch of a lane has decided so far. Internal to lane*.cpp.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/runtime/lane.hpp"

namespace tidemark::runtime {

inline constexpr const char* kReusedDetail = "this command id was used before with another body";

inline Outcome failed_outcome(const CommandRequest& request, Error error) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::failed;
  outcome.command_id = request.command_id;
  outcome.error = std::move(error);
  return outcome;
}

struct LaneProcessor::DomainBatch {
  explicit DomainBatch(const RowReader& state, std::size_t topics) : overlay(state), records(topics), first(topics), last_id(topics) {}
  store::Overlay overlay;
  std::vector<log::RecordBatchBuilder> records;  ///< per topic
  std::vector<Tmseq> first;
  std::vector<std::string> last_id;
  LaneInfo info;
  std::vector<HeardDecision> heard{};
  std::string forgotten;
  std::unordered_map<std::string, std::pair<std::size_t, std::string>> decided;  ///< keyed command id -> answer, fingerprint
  struct Unrecorded {
    std::uint64_t next = 0;
    std::size_t moved = 0, repeated = 0;
  };
  std::optional<Unrecorded> unrecorded{};  ///< what was read from the inbox behind `info.input` and left no record
};

struct LaneProcessor::Batch {
  std::vector<std::unique_ptr<DomainBatch>> domains;  ///< null where nothing was looked at
  std::vector<Answer> answers;
  std::vector<log::MovedRecords> moves{};
  std::size_t bytes = 0;
  std::vector<std::pair<std::size_t, std::string>> touched;  ///< domain and boundary of what is recorded
  bool has_records = false;
  bool has_inputs = false;  ///< records of the inbox are in it
  bool takes_lane = false;  ///< LaneTaken itself: when nobody knows whether it was written, the lane is taken anew
  SteadyTime append_started{};
  metrics::Stopwatch appending;
};

}  // namespace tidemark::runtime
