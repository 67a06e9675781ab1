#include "tests/sim/node/faults.hpp"

namespace tidemark::sim {
namespace {

constexpr std::array<std::string_view, kFaults> kNames{
    "kill", "power cut", "disk error", "disk full", "stall", "standstill", "clock jump", "clock drift", "append refused", "append unknown",
    "append slow", "take failed", "rebalance", "retention", "store flushed", "torn", "hang up", "repeat", "reuse"};

Profile base(std::string name, std::string about) {
  Profile profile;
  profile.name = std::move(name);
  profile.about = std::move(about);
  profile[Fault::store_flushed] = 0.01;
  profile[Fault::hang_up] = 0.01;
  profile[Fault::repeat] = 0.05;
  profile[Fault::reuse] = 0.005;
  return profile;
}

Profile cluster(std::string name, std::string about) {
  Profile profile = base(std::move(name), std::move(about));
  profile.cluster = true;
  profile.nodes = 3;
  return profile;
}

std::vector<Profile> make_profiles() {
  std::vector<Profile> all;
  all.push_back(base("calm", "one node over the journal, and nothing goes wrong but clients"));
  {
    Profile p = base("crash", "one node over the journal; the power goes, the process dies");
    p[Fault::kill] = 4;
    p[Fault::power_cut] = 8;
    p[Fault::stall] = 60;
    p[Fault::hang_up] = 0.03;
    all.push_back(p);
  }
  {
    Profile p = base("disk", "one node over the journal; the disk fails, fills up and is slow");
    p[Fault::power_cut] = 2;
    p[Fault::disk_error] = 8;
    p[Fault::disk_full] = 4;
    p[Fault::stall] = 200;
    all.push_back(p);
  }
  {
    Profile p = base("clocks", "one node over the journal; its clock jumps and drifts, and it stands still");
    p[Fault::kill] = 2;
    p[Fault::clock_jump] = 12;
    p[Fault::clock_drift] = 6;
    p[Fault::standstill] = 2;
    all.push_back(p);
  }
  all.push_back(cluster("nodes", "three nodes over a Kafka log, and nothing goes wrong but clients"));
  {
    Profile p = cluster("unknown", "three nodes; appends fail, or nobody knows what became of them");
    p[Fault::append_refused] = 0.02;
    p[Fault::append_unknown] = 0.03;
    p[Fault::append_slow] = 0.02;
    p[Fault::take_failed] = 0.1;
    p[Fault::kill] = 1;
    all.push_back(p);
  }
  {
    Profile p = cluster("zombies", "three nodes that stand still and wake up deposed, while the group deals anew");
    p[Fault::rebalance] = 6;
    p[Fault::standstill] = 4;
    p[Fault::stall] = 60;
    p[Fault::kill] = 2;
    p[Fault::append_slow] = 0.05;
    all.push_back(p);
  }
  {
    Profile p = cluster("everything", "three nodes, and all of it at once");
    p[Fault::append_refused] = 0.01;
    p[Fault::append_unknown] = 0.02;
    p[Fault::append_slow] = 0.03;
    p[Fault::take_failed] = 0.1;
    p[Fault::rebalance] = 4;
    p[Fault::standstill] = 3;
    p[Fault::stall] = 60;
    p[Fault::kill] = 3;
    p[Fault::clock_jump] = 4;
    p[Fault::clock_drift] = 4;
    p[Fault::retention] = 10;
    p[Fault::hang_up] = 0.04;
    p[Fault::repeat] = 0.1;
    all.push_back(p);
  }
  return all;
}

}  // namespace

std::string_view name_of(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = make_profiles();
  return all;
}

const Profile* find_profile(std::string_view name) {
  for (const Profile& profile : profiles()) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

bool Faults::strike(Fault fault, double chance) {
  if (chance <= 0) return false;
  if (!random_.chance(chance) || stopped_) return false;
  const std::uint64_t number = drawn_++;
  if (!filter_.passes(number)) return false;
  struck_.push_back(number);
  history_.note([&] { return "fault " + std::to_string(number) + ": " + std::string(name_of(fault)); });
  return true;
}

}  // namespace tidemark::sim
