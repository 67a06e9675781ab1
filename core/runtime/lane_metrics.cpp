#include "core/runtime/lane_metrics.hpp"

namespace tidemark::runtime {
namespace {

enum Verdict : std::size_t { accepted, nothing, refused, version_conflict, key_reused, replayed, failed };
constexpr std::array<const char*, 7> kNames{"accepted", "nothing", "refused", "version_conflict", "key_reused", "replayed", "failed"};

Verdict verdict_of(const Outcome& outcome) {
  if (outcome.replayed) return replayed;
  switch (outcome.kind) {
    case Outcome::Kind::accepted: return accepted;
    case Outcome::Kind::nothing: return nothing;
    case Outcome::Kind::refused: return refused;
    case Outcome::Kind::version_conflict: return version_conflict;
    case Outcome::Kind::key_reused: return key_reused;
    default: return failed;
  }
}

}  // namespace

LaneMetrics::LaneMetrics(metrics::Registry* registry, const std::vector<std::string>& domains)
    : queue_(registry, {"tidemark_lane_queue_commands", "Commands that wait to be decided"}),
      batch_commands_(registry, {"tidemark_lane_batch_commands", "Commands decided in one batch"}, metrics::count_bounds()),
      decide_seconds_(registry, {"tidemark_lane_decide_seconds", "Deciding one batch"}, metrics::time_bounds()),
      append_seconds_(registry, {"tidemark_lane_append_seconds", "From handing a batch to the log until it is durable or has failed"},
                      metrics::time_bounds()) {
  for (const auto& domain : domains) {
    auto& of = domains_.emplace_back();
    for (std::size_t i = 0; i < kVerdicts; ++i) {
      of.verdicts[i] = metrics::Counter(
          registry, {"tidemark_lane_commands_total", "Commands answered, by verdict", {{"domain", domain}, {"verdict", kNames[i]}}});
    }
    constexpr std::array<const char*, 4> became{"decided", "repeated", "moved", "dead"};
    for (std::size_t i = 0; i < became.size(); ++i) {
      of.inputs[i] = metrics::Counter(registry, {"tidemark_lane_inbox_total", "Commands read from Kafka, by what became of them", {{"domain", domain}, {"became", became[i]}}});
    }
    of.timers = metrics::Counter(registry, {"tidemark_lane_timers_fired_total", "Durable timers that fired", {{"domain", domain}}});
    of.timers_unreadable = metrics::Counter(
        registry, {"tidemark_lane_timers_unreadable_total", "Durable timers left to rest because their command does not decode", {{"domain", domain}}});
  }
}

void LaneMetrics::answered(std::size_t domain, const Outcome& outcome) const { domains_[domain].verdicts[verdict_of(outcome)].add(); }

}  // namespace tidemark::runtime
