#pragma once
// What may go wrong in a simulation: kinds of faults, profiles that switch them, and the drawing of them. Every fault that strikes has
// a number, so that a schedule can be cut down to the faults that matter.

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/node/history.hpp"
#include "tests/sim/node/world.hpp"

namespace tidemark::sim {

enum class Fault {
  kill,            ///< a process dies; its disk and its stores lose what a crash loses
  power_cut,       ///< the same, at a disk operation
  disk_error,      ///< EIO at a disk operation
  disk_full,       ///< ENOSPC for a while
  stall,           ///< one thread of a process stands still for a moment: a slow disk, a slow fold
  standstill,      ///< a whole process stands still, and may wake up deposed
  clock_jump,      ///< a wall clock jumps
  clock_drift,
  append_refused,  ///< plainly not written
  append_unknown,  ///< written or not, soon or later: nobody can tell
  append_slow,
  take_failed,     ///< a lane cannot be taken now, its predecessor fenced or not
  rebalance,       ///< the group deals the lanes out anew
  retention,       ///< the log cuts what is old
  store_flushed,   ///< the store has flushed by itself
  torn,            ///< a broker keeps part of a transaction
  hang_up,         ///< a client no longer waits for its answer, and asks again
  repeat,          ///< a client asks again for what it was told, on any node
  reuse,           ///< a client uses a key again for something else
};
inline constexpr std::size_t kFaults = 19;
std::string_view name_of(Fault fault);

/// Chances are per opportunity (an append, a request); rates are times per virtual minute and process.
struct Profile {
  std::string name, about;
  bool cluster = false;     ///< several nodes over a simulated Kafka log; else one over the journal
  int nodes = 1;
  std::array<double, kFaults> chance{};
  double& operator[](Fault fault) { return chance[static_cast<std::size_t>(fault)]; }
  double operator[](Fault fault) const { return chance[static_cast<std::size_t>(fault)]; }
};
/// In the order in which a search goes through them.
const std::vector<Profile>& profiles();
const Profile* find_profile(std::string_view name);

/// Which of the faults drawn take effect; the default: all.
struct FaultFilter {
  std::optional<std::set<std::uint64_t>> only;
  bool passes(std::uint64_t number) const { return !only || only->contains(number); }
};

class Faults {
 public:
  Faults(const Profile& profile, std::uint64_t seed, FaultFilter filter, History& history)
      : profile_(profile), random_(seed), filter_(std::move(filter)), history_(history) {}

  /// Whether the fault strikes at this opportunity.
  bool strike(Fault fault) { return strike(fault, profile_[fault]); }
  bool strike(Fault fault, double chance);
  double rate(Fault fault) const { return profile_[fault]; }
  Random& random() { return random_; }
  /// From now on nothing goes wrong.
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  std::uint64_t struck() const { return struck_.size(); }
  /// Numbers of those that took effect.
  const std::vector<std::uint64_t>& numbers() const { return struck_; }

 private:
  const Profile& profile_;
  Random random_;
  const FaultFilter filter_;
  History& history_;
  std::uint64_t drawn_ = 0;
  std::vector<std::uint64_t> struck_;
  bool stopped_ = false;
};

}  // namespace tidemark::sim
