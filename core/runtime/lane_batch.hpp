#pragma once
// What one batch of a lane has decided so far. Internal to lane*.cpp.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/runtime/lane.hpp"

namespace tidemark::runtime {

struct LaneProcessor::DomainBatch {
  explicit DomainBatch(const RowReader& state, std::size_t topics) : overlay(state), records(topics), first(topics), last_id(topics) {}
  store::Overlay overlay;
  std::vector<log::RecordBatchBuilder> records;  ///< per topic
  std::vector<Tmseq> first;
  std::vector<std::string> last_id;
  LaneInfo info;
  std::string forgotten;
  std::unordered_map<std::string, std::pair<std::size_t, std::string>> decided;  ///< keyed command id -> answer, fingerprint
};

struct LaneProcessor::Batch {
  std::vector<std::unique_ptr<DomainBatch>> domains;  ///< null where nothing was looked at
  std::vector<Answer> answers;
  std::size_t bytes = 0;
  std::vector<std::pair<std::size_t, std::string>> touched;  ///< domain and boundary of what is recorded
  bool has_records = false;
  SteadyTime append_started{};
  metrics::Stopwatch appending;
};

}  // namespace tidemark::runtime
