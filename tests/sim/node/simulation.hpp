#pragma once
// One seed, one history: the whole of a simulation from its first step to the last check.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/node/faults.hpp"

namespace tidemark::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  const Profile* profile = nullptr;
  FaultFilter filter{};
  std::uint64_t commands = 1000;
  bool recording = false;  ///< keeps the last lines of the history: slower
  bool print = false;      ///< and prints all of them
};

struct RunReport {
  std::optional<Violation> violation;
  std::deque<std::string> last;        ///< of the history, while recording
  std::uint64_t digest = 0;            ///< of the history, while recording
  std::uint64_t steps = 0;
  std::uint64_t requests = 0, decisions = 0, records = 0;
  std::uint64_t lives = 0;             ///< starts of nodes
  std::vector<std::uint64_t> faults;   ///< numbers of those that struck
  double virtual_seconds = 0;
};

RunReport run_simulation(const RunOptions& options);

}  // namespace tidemark::sim
