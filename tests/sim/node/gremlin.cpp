#include "tests/sim/node/gremlin.hpp"

#include <algorithm>

namespace tidemark::sim {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kJumpMostMs = 20'000;

}  // namespace

Machine& Gremlin::any() { return *machines_[site_.faults.random().below(machines_.size())]; }

SteadyTime Gremlin::in(std::int64_t least_ms, std::int64_t most_ms) { return site_.world.now() + milliseconds(site_.faults.random().between(least_ms, most_ms)); }

void Gremlin::plague(Fault fault, std::function<void()> strike) {
  const double rate = site_.faults.rate(fault) * static_cast<double>(machines_.size());
  if (rate <= 0) return;
  const auto mean_ms = static_cast<std::int64_t>(static_cast<double>(kMinuteMs) / rate);
  site_.world.after(milliseconds(site_.faults.random().between(0, 2 * mean_ms)), site_.world.network(), [this, fault, strike = std::move(strike)] {
    if (site_.faults.stopped()) return;
    if (site_.faults.strike(fault, 1)) strike();
    plague(fault, strike);
  });
}

void Gremlin::begin() {
  plague(Fault::kill, [this] {
    Machine& machine = any();
    machine.kill_soon(site_.faults.random().chance(0.5));
  });
  plague(Fault::power_cut, [this] {
    Machine& machine = any();
    machine.disk().cut_power_at(machine.disk().operations() + site_.faults.random().below(24));
  });
  plague(Fault::disk_error, [this] {
    Machine& machine = any();
    machine.disk().fail_at(machine.disk().operations() + site_.faults.random().below(24), Code::internal);
  });
  plague(Fault::disk_full, [this] { fill(any()); });
  plague(Fault::stall, [this] { any().stall(in(1, 400)); });
  plague(Fault::standstill, [this] { any().stand_still(in(200, 9'000)); });
  plague(Fault::clock_jump, [this] { jump(any()); });
  plague(Fault::clock_drift, [this] { any().scheduler().drift_wall(site_.faults.random().between(-50'000, 50'000)); });
  if (site_.dealer != nullptr) plague(Fault::rebalance, [this] { site_.dealer->deal(); });
  if (site_.brokers != nullptr) plague(Fault::retention, [this] { site_.brokers->cut(); });
}

void Gremlin::jump(Machine& machine) {
  const std::int64_t by = site_.faults.random().between(-kJumpMostMs, kJumpMostMs);
  const std::int64_t now = machine.scheduler().wall_offset().count();
  // Never far from the true time, or timers would wait for ever.
  const std::int64_t to = std::clamp(now + by, -kJumpMostMs, kJumpMostMs);
  site_.history.note([&] { return machine.text() + ": the wall clock jumps by " + std::to_string(to - now) + " ms"; });
  machine.scheduler().jump_wall(milliseconds(to - now));
}

void Gremlin::fill(Machine& machine) {
  machine.disk().set_capacity(1);
  site_.world.at(in(50, 3'000), site_.world.network(), [&machine] { machine.disk().set_capacity(std::nullopt); });
}

void Gremlin::mend() {
  for (auto& machine : machines_) {
    machine->disk().set_capacity(std::nullopt);
    machine->scheduler().drift_wall(0);
    machine->scheduler().jump_wall(-machine->scheduler().wall_offset());
    machine->disk().forget_faults();
  }
}

}  // namespace tidemark::sim
