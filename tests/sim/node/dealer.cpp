#include "tests/sim/node/dealer.hpp"

#include <algorithm>

namespace tidemark::sim {
namespace {

using std::chrono::microseconds;
constexpr auto kBeat = std::chrono::milliseconds(300);
constexpr auto kSession = std::chrono::milliseconds(3000);
constexpr auto kStill = kSession * 4 / 5;
constexpr std::int64_t kHopMicros = 5'000, kProposalMicros = 200'000;

}  // namespace

Dealer::Dealer(World& world, Faults& faults, History& history, std::uint32_t lanes) : world_(world), faults_(faults), history_(history), lanes_(lanes) {
  look_for_silent();
}

void Dealer::look_for_silent() {
  world_.after(kSession / 4, world_.network(), [this] {
    bool changed = false;
    for (auto at = members_.begin(); at != members_.end();) {
      const bool silent = world_.now() - at->second.last > kSession;
      changed = changed || silent;
      if (silent) history_.note([&] { return "group: node " + std::to_string(at->first) + " is silent, and left out"; });
      at = silent ? members_.erase(at) : std::next(at);
    }
    if (changed) deal_soon();
    look_for_silent();
  });
}

void Dealer::beat(Member& member) {
  const auto found = members_.find(member.id_);
  const bool is_new = found == members_.end() || found->second.alive != member.alive_;
  if (is_new) {
    members_[member.id_] = Heard{&member, member.alive_, world_.now()};
    history_.note([&] { return "group: node " + std::to_string(member.id_) + " is let in"; });
    deal_soon();
  } else {
    found->second.last = world_.now();
  }
}

void Dealer::leave(int id) {
  if (members_.erase(id) > 0) deal_soon();
}

void Dealer::deal_soon() {
  if (std::exchange(dealing_, true)) return;
  world_.after(microseconds(faults_.random().delay(kProposalMicros)), world_.network(), [this] {
    dealing_ = false;
    deal();
  });
}

void Dealer::deal() {
  ++generation_;
  if (members_.empty()) return;
  std::vector<int> ids;
  for (const auto& [id, heard] : members_) ids.push_back(id);
  std::map<int, std::vector<LaneId>> hands;
  const std::size_t first = faults_.random().below(ids.size());
  for (std::uint32_t lane = 0; lane < lanes_; ++lane) hands[ids[(first + lane) % ids.size()]].push_back(LaneId{lane});
  history_.note([&] {
    std::string text = "group: generation " + std::to_string(generation_);
    for (const auto& [id, lanes] : hands) {
      text += ", node " + std::to_string(id) + ":";
      for (const LaneId lane : lanes) text += ' ' + std::to_string(lane.value);
    }
    return text;
  });
  for (const int id : ids) {
    const Heard& heard = members_[id];
    world_.after(microseconds(faults_.random().delay(kProposalMicros)), world_.network(),
                 [member = heard.member, alive = heard.alive, generation = generation_, lanes = hands[id]]() mutable {
      if (!*alive) return;
      member->scheduler_.post([member, alive, generation, lanes = std::move(lanes)] {
        if (*alive) member->propose(generation, lanes);
      });
    });
  }
}

void Member::join(std::function<void(const std::vector<LaneId>& lanes)> proposed) {
  proposed_ = std::move(proposed);
  joined_ = true;
  beat();
}

void Member::beat() {
  if (!joined_) return;
  const SteadyTime sent = scheduler_.now();
  World& world = dealer_.world_;
  world.after(microseconds(dealer_.faults_.random().delay(kHopMicros)), world.network(), [this, alive = alive_, sent] {
    if (!*alive || !joined_) return;
    const bool was_in = dealer_.members_.contains(id_) && dealer_.members_.at(id_).alive == alive_;
    const std::uint64_t generation = dealer_.generation_;
    dealer_.beat(*this);
    dealer_.world_.after(microseconds(dealer_.faults_.random().delay(kHopMicros)), dealer_.world_.network(), [this, alive, sent, was_in, generation] {
      if (!*alive) return;
      scheduler_.post([this, alive, sent, was_in, generation] {
        if (!*alive) return;
        heard_ = std::max(heard_, sent);
        if (!was_in && generation_ <= generation) was_proposed_ = false;  // what was proposed before it was left out
      });
    });
  });
  scheduler_.after(kBeat, [this, alive = alive_] {
    if (*alive) beat();
  });
}

void Member::propose(std::uint64_t generation, const std::vector<LaneId>& lanes) {
  if (!joined_ || generation < generation_) return;
  generation_ = generation;
  was_proposed_ = true;
  if (proposed_) proposed_(lanes);
}

void Member::agree_anew() {
  World& world = dealer_.world_;
  world.after(microseconds(dealer_.faults_.random().delay(kHopMicros)), world.network(), [this, alive = alive_] {
    if (*alive) dealer_.deal_soon();
  });
}

bool Member::in_force() const { return was_proposed_ && scheduler_.now() - heard_ < kStill; }

void Member::leave(Fn<void()> done) {
  proposed_ = nullptr;
  joined_ = false;
  World& world = dealer_.world_;
  world.after(microseconds(dealer_.faults_.random().delay(kHopMicros)), world.network(), [this, alive = alive_, id = id_, dealer = &dealer_, done = std::move(done)]() mutable {
    dealer->leave(id);
    if (*alive) scheduler_.post(std::move(done));
  });
}

}  // namespace tidemark::sim
