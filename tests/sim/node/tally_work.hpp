#pragma once
// Clients of "tally": few groups, some of them hot; accounts that expire and are opened again; notes of all sizes.

#include <map>

#include "tests/sim/node/client.hpp"
#include "tests/sim/node/tally_model.hpp"

namespace tidemark::sim {

class TallyWork final : public Workload {
 public:
  TallyWork(Site& site, TallyModel& model) : site_(site), model_(model) {}

  Wish next(Random& random, const std::string& client, std::uint64_t number) override;
  void answered(Machine& machine, const Wish& wish, const runtime::Outcome& outcome) override;
  Task<void> look(Machine& machine, const Wish& wish, const runtime::Outcome& outcome, bool by_model) override;

  /// Every row of the node's read model is what the log says, exactly.
  void check_rows(Machine& machine);

 private:
  void check_row(Machine& machine, const Wish& wish, const runtime::Outcome& outcome);
  void ask_owner(Machine& machine, const std::string& group);

  Site& site_;
  TallyModel& model_;
  // What owners have told of a group, by its versions.
  struct Told {
    std::uint64_t seen = 0;               ///< by an owner call
    std::map<int, std::uint64_t> by_node; ///< acknowledged there
    std::vector<std::pair<SteadyTime, std::uint64_t>> by_any;  ///< acknowledged, in order
  };
  std::map<std::string, Told> told_;
  std::map<std::uint32_t, Time> taken_;   ///< by lane: of the latest owner that answered an owner call
};

}  // namespace tidemark::sim
