#include "tests/sim/node/simulation.hpp"

#include <algorithm>

#include "commands/builds/endpoint/registration.hpp"
#include "tests/sim/node/builds_work.hpp"
#include "tests/sim/node/client.hpp"
#include "tests/sim/node/gremlin.hpp"
#include "tests/sim/node/producer.hpp"
#include "tests/sim/node/tally_work.hpp"
#include "tests/sim/node/witness.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kLanes = 3;
constexpr std::uint64_t kClients = 12, kProducers = 2;
constexpr std::uint64_t kStepsMost = 20'000'000;
/// Of virtual time: what is asked for while things go wrong, and until all is still when nothing does any more.
constexpr auto kTroubleMost = seconds(600);
constexpr auto kStillWithin = seconds(120);

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : options_(options), world_(options.seed * 2 + 1), history_(world_, options.recording), model_(history_),
        faults_(*options.profile, options.seed * 0x9e3779b97f4a7c15u + 7, options.filter, history_),
        site_{world_, *options.profile, faults_, history_, model_, nullptr, nullptr, {}, {}, {}} {
    history_.print_each(options.print);
    model_.add_domain("tally", tally_);
    model_.add_domain("builds", builds_);
    prepare();
  }

  ~Simulation() {
    site_.died = nullptr;
    machines_.clear();
  }

  RunReport run() {
    for (auto& machine : machines_) machine->start();
    for (auto& client : clients_) client->begin();
    for (auto& producer : producers_) producer->begin();
    gremlin_.begin();
    go([&] { return all_done() || world_.now() > SteadyTime(kTroubleMost); }, SteadyTime::max(), "");
    history_.note([] { return std::string("from here on nothing goes wrong"); });
    faults_.stop();
    gremlin_.mend();
    settle();
    report_.violation = history_.violation();
    report_.last = history_.lines();
    report_.digest = history_.digest();
    report_.steps = world_.steps();
    for (const auto& client : clients_) report_.requests += client->requests();
    for (const auto& machine : machines_) report_.lives += machine->life();
    report_.decisions = model_.decisions();
    report_.records = model_.records();
    report_.faults = faults_.numbers();
    report_.virtual_seconds = static_cast<double>(world_.now().time_since_epoch().count()) / 1e6;
    return std::move(report_);
  }

 private:
  void prepare() {
    Random draw(options_.seed ^ 0xabcdef);
    site_.lanes = kLanes;
    site_.segment_bytes = std::uint64_t{32} << (10 + draw.below(3));
    site_.options.store_flush_records = 3 + draw.below(draw.chance(0.5) ? 10 : 400);
    site_.options.batch_commands_max = draw.chance(0.3) ? 1 + draw.below(4) : 1024;
    site_.options.lane_queue_max = draw.chance(0.2) ? 2 + draw.below(6) : 4096;
    site_.options.bulk_bytes = draw.chance(0.5) ? 4096 : 1u << 20;
    // One of the domains, or both.
    const std::uint64_t which = draw.below(4);
    const bool with_tally = which != 3, with_builds = which >= 2;
    site_.domains = [with_tally, with_builds, settings = BuildsWork::settings(draw)] {
      std::vector<runtime::Domain> domains;
      if (with_tally) domains.push_back(testing::tally::make_domain());
      if (with_builds) domains.push_back(commands::builds::endpoint::make_builds_domain(settings));
      return domains;
    };
    site_.died = [this](int machine) {
      for (auto& client : clients_) client->machine_died(machine);
    };
    if (options_.profile->cluster) {
      brokers_ = std::make_unique<Brokers>(world_, faults_, history_, kLanes);
      brokers_->on_commit = [this](std::uint32_t lane, const std::vector<AppendedTopic>& parts) { model_.appended(lane, parts); };
      dealer_ = std::make_unique<Dealer>(world_, faults_, history_, kLanes);
      site_.brokers = brokers_.get();
      site_.dealer = dealer_.get();
    }
    for (int i = 0; i < options_.profile->nodes; ++i) machines_.push_back(std::make_unique<Machine>(site_, i, draw.next()));
    // Commands come by request and, where the log takes them, by the log.
    const std::uint64_t writers = kClients + (brokers_ != nullptr ? kProducers : 0);
    for (std::uint64_t i = 0; i < writers; ++i) {
      const std::uint64_t wishes = options_.commands / writers + (i < options_.commands % writers ? 1 : 0);
      Workload& workload = with_builds && (!with_tally || i % 2 == 0) ? static_cast<Workload&>(builds_work_) : tally_work_;
      if (i >= kClients) {
        producers_.push_back(std::make_unique<Producer>(site_, workload, static_cast<int>(i), draw.next(), wishes));
        continue;
      }
      clients_.push_back(std::make_unique<Client>(site_, machines_, workload, static_cast<int>(i), draw.next(), wishes));
    }
  }

  /// Steps until `done`; false when something was wrong, or it was not so in time.
  template <class Done>
  bool go(Done done, SteadyTime until, const std::string& what) {
    while (!history_.violation()) {
      if (done()) return true;
      if (world_.now() > until || world_.steps() > kStepsMost) {
        history_.violated("nothing is stuck when faults stop", what + stuck());
        return false;
      }
      if (!world_.step() && !done()) {
        history_.violated("nothing is stuck when faults stop", "nothing is left to do: " + what + stuck());
        return false;
      }
      for (auto& machine : machines_) machine->look();
    }
    return false;
  }
  bool all_done() const {
    return std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->done(); }) &&
           std::all_of(producers_.begin(), producers_.end(), [](const auto& producer) { return producer->done(); });
  }
  bool all_ready() const {
    return std::all_of(machines_.begin(), machines_.end(), [](const auto& machine) { return machine->ready(); });
  }
  std::string stuck() const {
    std::string text;
    for (const auto& client : clients_) {
      if (!client->done()) text += "; " + client->waits_for();
    }
    for (const auto& producer : producers_) text += producer->waits_for();
    for (const auto& machine : machines_) {
      if (!machine->ready()) text += "; " + machine->text() + " is not ready";
    }
    return text;
  }

  /// Everything is answered, applied, fired, and equal to what the log says.
  void settle() {
    const SteadyTime until = world_.now() + kStillWithin;
    if (!go([&] { return all_ready() && all_done(); }, until, "clients wait")) return;
    with_tally_ = !tally_.accounts().empty();
    if (!go([&] { return tally_.overdue(INT64_MAX).empty() && builds_.active() == 0; }, world_.now() + kStillWithin, "timers do not fire")) return;
    const auto caught_up = [&] {
      return std::all_of(machines_.begin(), machines_.end(), [](const auto& machine) { return machine->caught_up(); });
    };
    if (!go(caught_up, world_.now() + kStillWithin, "a node does not catch up")) return;
    if (with_tally_) {
      for (auto& machine : machines_) tally_work_.check_rows(*machine);
    }
    for (const auto& client : clients_) {
      for (const auto& id : client->not_applied()) model_.never_applied(id);
    }
    compare_with_a_fold_from_nothing();
  }

  void compare_with_a_fold_from_nothing() {
    if (brokers_ == nullptr || options_.seed % 4 == 0) {
      std::size_t stopped = 0;
      for (auto& machine : machines_) machine->stop([&] { ++stopped; });
      if (!go([&] { return stopped == machines_.size(); }, world_.now() + kStillWithin, "nodes do not stop")) return;
      if (brokers_ != nullptr) return;  // they stopped one after the other, and leases were renewed meanwhile
    } else {
      for (auto& machine : machines_) machine->stand_still(SteadyTime::max());
    }
    Witness witness(site_, *machines_.front());
    witness.start();
    if (!go([&] { return witness.caught_up(); }, world_.now() + kStillWithin, "a new node does not catch up")) return;
    for (auto& machine : machines_) witness.compare(*machine);
  }

  const RunOptions options_;
  World world_;
  History history_;
  TallyModel tally_;
  BuildsModel builds_;
  Model model_;
  Faults faults_;
  Site site_;
  std::unique_ptr<Brokers> brokers_;
  std::unique_ptr<Dealer> dealer_;
  TallyWork tally_work_{site_, tally_};
  BuildsWork builds_work_{site_, builds_};
  bool with_tally_ = false;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Producer>> producers_;
  Gremlin gremlin_{site_, machines_};
  RunReport report_;
};

}  // namespace

RunReport run_simulation(const RunOptions& options) { return Simulation(options).run(); }

}  // namespace tidemark::sim
