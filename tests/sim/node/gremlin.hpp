#pragma once
// Makes the faults happen that come from outside, at times drawn from the seed.

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/node/machine.hpp"

namespace tidemark::sim {

class Gremlin {
 public:
  Gremlin(Site& site, std::vector<std::unique_ptr<Machine>>& machines) : site_(site), machines_(machines) {}
  void begin();
  /// Mends what it broke: disks have room, clocks are right.
  void mend();

 private:
  void plague(Fault fault, std::function<void()> strike);
  Machine& any();
  void jump(Machine& machine);
  void fill(Machine& machine);
  SteadyTime in(std::int64_t least_ms, std::int64_t most_ms);

  Site& site_;
  std::vector<std::unique_ptr<Machine>>& machines_;
};

}  // namespace tidemark::sim
