#pragma once
// The group that deals lanes out to nodes: a coordinator that hears heartbeats, leaves out who is silent, and whose proposals
// reach the members at different times.

#include <map>
#include <memory>
#include <vector>

#include "core/runtime/lane_group.hpp"
#include "tests/sim/node/faults.hpp"

namespace tidemark::sim {

class Member;

class Dealer {
 public:
  Dealer(World& world, Faults& faults, History& history, std::uint32_t lanes);
  /// Lanes are dealt out anew, not as they were.
  void deal();

 private:
  friend class Member;
  struct Heard {
    Member* member;
    std::shared_ptr<bool> alive;
    SteadyTime last;
  };
  void beat(Member& member);
  void leave(int id);
  void look_for_silent();
  void deal_soon();

  World& world_;
  Faults& faults_;
  History& history_;
  const std::uint32_t lanes_;
  std::map<int, Heard> members_;
  std::uint64_t generation_ = 0;
  bool dealing_ = false;
};

class Member final : public runtime::LaneGroup {
 public:
  Member(Dealer& dealer, ProcessScheduler& scheduler, int id) : dealer_(dealer), scheduler_(scheduler), id_(id) {}
  ~Member() override { *alive_ = false; }

  void join(std::function<void(const std::vector<LaneId>& lanes)> proposed) override;
  void agree_anew() override;
  bool in_force() const override;
  void leave(Fn<void()> done) override;

 private:
  friend class Dealer;
  void beat();
  void propose(std::uint64_t generation, const std::vector<LaneId>& lanes);

  Dealer& dealer_;
  ProcessScheduler& scheduler_;
  const int id_;
  std::function<void(const std::vector<LaneId>&)> proposed_;
  bool joined_ = false;
  bool was_proposed_ = false;   ///< since it was last let in
  std::uint64_t generation_ = 0;
  SteadyTime heard_{};          ///< when the beat was sent that was answered last
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::sim
