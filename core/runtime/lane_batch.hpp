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
};

struct LaneProcessor::Batch {
  std::vector<std::unique_ptr<DomainBatch>> domains;  ///< null where nothing was looked at
  std::vector<Answer> answers;
  std::unordered_map<std::string, std::pair<std::size_t, std::string>> decided;  ///< keyed command id -> answer, fingerprint
  std::size_t bytes = 0;
  bool has_records = false;
  SteadyTime append_started{};
  metrics::Stopwatch appending;
};

/// Owner memory: values by boundary and key.
class LaneProcessor::Memory final {
 public:
  class Scoped final : public Volatile {
   public:
    Scoped(Memory& memory, std::string_view boundary) : memory_(memory), prefix_(std::string(boundary) + '\0') {}
    std::optional<std::int64_t> get(std::string_view key) const override {
      const auto found = memory_.values_.find(prefix_ + std::string(key));
      if (found == memory_.values_.end()) return std::nullopt;
      return found->second;
    }
    void set(std::string_view key, std::int64_t value) override { memory_.values_[prefix_ + std::string(key)] = value; }
    void erase(std::string_view key) override { memory_.values_.erase(prefix_ + std::string(key)); }

   private:
    Memory& memory_;
    std::string prefix_;
  };

 private:
  std::unordered_map<std::string, std::int64_t> values_;
};

}  // namespace tidemark::runtime
