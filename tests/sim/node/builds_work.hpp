#pragma once
// Clients of the builds domain: developers who submit, cancel and retry; workers who register, poll, beat, report, also late, and
// fall silent.

#include <deque>
#include <map>

#include "schemas/builds/settings.hpp"
#include "tests/sim/node/builds_model.hpp"
#include "tests/sim/node/client.hpp"

namespace tidemark::sim {

class BuildsWork final : public Workload {
 public:
  BuildsWork(Site& site, BuildsModel& model) : site_(site), model_(model) {}

  /// Short silences, so that timers have something to do.
  static schemas::builds::Settings settings(Random& random);

  Wish next(Random& random, const std::string& client, std::uint64_t number) override;
  void answered(Machine&, const Wish&, const runtime::Outcome&) override {}
  Task<void> look(Machine& machine, const Wish& wish, const runtime::Outcome& outcome, bool by_model) override;

 private:
  std::string any_build(Random& random, const std::string& pool);
  Site& site_;
  BuildsModel& model_;
  std::map<std::string, std::deque<std::string>> submitted_;          ///< by pool, the last ones
  std::map<std::string, std::deque<BuildsModel::Held>> once_held_;    ///< reports come late
};

}  // namespace tidemark::sim
