#pragma once
// A run over many pairs: what was compared, what explained the differences, and what nothing explained.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "replay/shadow/identities.hpp"
#include "replay/shadow/rules.hpp"

namespace tidemark::shadow {

struct RouteCounts {
  std::uint64_t pairs = 0, equal = 0, explained = 0, unexplained = 0;  ///< of pairs: the last three add up to the first
};

struct Summary {
  std::uint64_t pairs = 0;
  std::uint64_t unexplained_pairs = 0;
  std::uint64_t unexplained = 0;                   ///< differences
  std::uint64_t not_replayed = 0;                  ///< lines that have no answer of the shadow, with the reason; not in `pairs`
  std::map<std::string, RouteCounts> routes;       ///< "GET /api/builds/:id"; "(no route)"
  std::map<std::string, std::uint64_t> rules;      ///< differences that each rule explained
};

/// A difference that no rule explains.
struct Finding {
  std::uint64_t line = 0;
  std::string route;
  const Request& request;
  const Difference& difference;
};

class Comparison {
 public:
  /// At most so many findings are handed over for one pair; all are counted.
  static constexpr std::size_t kFindingsPerPairMax = 50;

  Comparison(Rules& rules, std::function<void(const Finding&)> on_finding) : rules_(rules), on_finding_(std::move(on_finding)) {}

  /// `pair.shadow` is there.
  void add(std::uint64_t line, const Pair& pair);
  /// A pair of which the replay says that it could not be sent.
  void pass_over() { ++summary_.not_replayed; }
  const Summary& summary() const { return summary_; }

 private:
  void learn(const Exchange& exchange);

  Rules& rules_;
  const std::function<void(const Finding&)> on_finding_;
  Identities identities_;
  Summary summary_;
};

}  // namespace tidemark::shadow
