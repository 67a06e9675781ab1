#pragma once
// A node that begins with nothing, after all others have stopped: what it folds from the log must be what they have.

#include <memory>

#include "tests/sim/node/machine.hpp"

namespace tidemark::sim {

class Witness {
 public:
  /// Reads the log through `beside`, or through a log of its own.
  Witness(Site& site, Machine& beside);
  ~Witness();
  void start();
  bool caught_up() const;
  /// Every row of every store.
  void compare(Machine& machine);

 private:
  Task<void> run();
  Site& site_;
  ProcessScheduler scheduler_;
  SimStores stores_;
  std::unique_ptr<log::EventLog> own_log_;
  std::unique_ptr<runtime::LaneGroup> group_;
  std::unique_ptr<runtime::Node> node_;
  bool started_ = false;
};

}  // namespace tidemark::sim
