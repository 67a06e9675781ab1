#pragma once
// One node process with its disk: the real runtime over the real journal or over a BrokerLog, on threads that the world runs.

#include <map>
#include <memory>
#include <string>

#include "core/log/embedded/embedded_log.hpp"
#include "core/runtime/node.hpp"
#include "tests/sim/node/brokers.hpp"
#include "tests/sim/node/dealer.hpp"
#include "tests/sim/node/model.hpp"
#include "tests/sim/node/sim_stores.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"

namespace tidemark::sim {

/// What the machines of a simulation share.
struct Site {
  World& world;
  const Profile& profile;
  Faults& faults;
  History& history;
  Model& model;
  Brokers* brokers = nullptr;  ///< null: a journal of its own
  Dealer* dealer = nullptr;
  std::function<std::vector<runtime::Domain>()> domains;
  runtime::NodeOptions options;
  std::function<void(int machine)> died;
  std::uint64_t segment_bytes = 64u << 10;
  std::uint32_t lanes = 3;
};

class Machine {
 public:
  Machine(Site& site, int id, std::uint64_t seed);
  ~Machine();

  void start();
  /// The process dies; with the power gone the disk loses what was not synced.
  void die(bool power);
  /// The same, after the step under way.
  void kill_soon(bool power);
  /// Ends it as an operator does; `gone` then. The log stays open.
  void stop(Fn<void()> gone);
  /// Called after every step of the world.
  void look();

  bool ready() const { return ready_; }
  /// All that is durable is in its states and its projections.
  bool caught_up() const;
  int id() const { return id_; }
  /// Grows with every start.
  std::uint64_t life() const { return life_; }
  runtime::Node& node() { return *node_; }
  log::EventLog& log() { return *log_; }
  SimStores& stores() { return stores_; }
  test::SimDisk& disk() { return disk_; }
  ProcessScheduler& scheduler() { return scheduler_; }
  Executor& executor(std::string_view name) { return queue(name); }

  void stall(SteadyTime until);       ///< one of its threads
  void stand_still(SteadyTime until); ///< all of them
  std::string text() const { return "node " + std::to_string(id_); }

 private:
  Queue& queue(std::string_view name);
  Result<void> open_log();
  Task<void> run_start(std::uint64_t life);
  Task<void> run_stop(Fn<void()> gone);
  void failed(const Error& error, const char* what);
  void restart_later();
  void check_recovered();
  void read_new();

  Site& site_;
  const int id_;
  ProcessScheduler scheduler_;
  std::map<std::string, std::unique_ptr<Queue>, std::less<>> queues_;
  test::SimDisk disk_;
  SimStores stores_;
  std::unique_ptr<log::EventLog> log_;
  std::unique_ptr<Member> member_;
  std::unique_ptr<runtime::Node> node_;
  bool up_ = false, ready_ = false, dying_ = false, power_goes_ = false, log_grew_ = false;
  std::uint64_t life_ = 0;
  std::uint64_t watch_ = 0;
};

}  // namespace tidemark::sim
