#pragma once
// What reactions count, those of all lanes together. Scheduler thread.

#include <array>
#include <string>
#include <vector>

#include "core/base/metrics.hpp"
#include "core/runtime/reactor.hpp"

namespace tidemark::runtime {

class ReactionMetrics {
 public:
  enum class CallResult { accepted, rejected, failed };  ///< answered 2xx, answered otherwise, not answered

  ReactionMetrics(metrics::Registry* registry, const std::vector<std::string>& domains) {
    for (const auto& domain : domains) {
      auto& of = domains_.emplace_back();
      of.pending = metrics::Gauge(registry, {"tidemark_reactions_pending", "Intents that have not ended", {{"domain", domain}}});
      for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
        of.ended[i] = metrics::Counter(registry, {"tidemark_reactions_ended_total", "Intents that ended, by outcome", {{"domain", domain}, {"outcome", kOutcomes[i]}}});
        of.calls[i] = metrics::Counter(registry, {"tidemark_outbound_calls_total", "Attempts of outbound calls, by result", {{"domain", domain}, {"result", kResults[i]}}});
      }
      of.held_back = metrics::Counter(registry, {"tidemark_outbound_held_back_total", "Attempts put off because the destination's breaker was open", {{"domain", domain}}});
    }
  }

  void pending(std::size_t domain, int change) const { domains_[domain].pending.add(change); }
  void ended(std::size_t domain, ReactionResult::Kind kind) const { domains_[domain].ended[static_cast<std::size_t>(kind)].add(); }
  void called(std::size_t domain, CallResult result) const { domains_[domain].calls[static_cast<std::size_t>(result)].add(); }
  void held_back(std::size_t domain) const { domains_[domain].held_back.add(); }

 private:
  static constexpr std::array<const char*, 3> kOutcomes{"done", "refused", "dead"}, kResults{"accepted", "rejected", "failed"};
  struct OfDomain {
    metrics::Gauge pending;
    std::array<metrics::Counter, 3> ended, calls;
    metrics::Counter held_back;
  };
  std::vector<OfDomain> domains_;
};

}  // namespace tidemark::runtime
