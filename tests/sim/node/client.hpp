#pragma once
// A client of the nodes: it asks one thing after the other, waits, gives up waiting, asks again with the same key, on this node or
// another, and holds the nodes to what they have told it. What it asks for is a Workload's.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/node/machine.hpp"

namespace tidemark::sim {

/// One thing that a client wants done.
struct Wish {
  runtime::CommandRequest request;
  std::string boundary, entity;             ///< what it is about, for the questions asked afterwards
  std::optional<runtime::CommandRequest> other;  ///< what its key may not be used for
};

/// What clients ask for, and what they look at when they have it.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual Wish next(Random& random, const std::string& client, std::uint64_t number) = 0;
  /// The node has answered, and the client not yet heard it.
  virtual void answered(Machine& machine, const Wish& wish, const runtime::Outcome& outcome) = 0;
  /// Questions to a node, after an answer; runs on it.
  virtual Task<void> look(Machine& machine, const Wish& wish, const runtime::Outcome& outcome, bool by_model) = 0;
};

class Client {
 public:
  Client(Site& site, std::vector<std::unique_ptr<Machine>>& machines, Workload& workload, int id, std::uint64_t seed, std::uint64_t wishes);

  ~Client() { *alive_ = false; }

  void begin();
  bool done() const { return left_ == 0 && !wish_; }
  /// Connections to it are closed.
  void machine_died(int machine);
  /// Ids of commands of which every answer said that they were not applied.
  const std::vector<std::string>& not_applied() const { return not_applied_; }
  /// What it still waits for.
  std::string waits_for() const;
  std::uint64_t requests() const { return requests_; }

 private:
  enum class Purpose { first, repeat, reuse };
  void next();
  void ask(Purpose purpose);
  void ask_later(Purpose purpose, std::int64_t ms);
  void heard(std::uint64_t attempt, Purpose purpose, runtime::Outcome outcome);
  void hang_up(std::uint64_t attempt);
  void finish();
  Machine& pick();
  static Task<void> serve(Client* client, std::shared_ptr<bool> alive, Machine* machine, std::uint64_t life, runtime::CommandRequest request, Wish wish, Purpose purpose,
                          std::uint64_t attempt);
  static Task<void> look(Client* client, Machine* machine, Wish wish, runtime::Outcome outcome, bool by_model);

  Site& site_;
  std::vector<std::unique_ptr<Machine>>& machines_;
  Workload& workload_;
  const std::string name_;
  Random random_;
  std::uint64_t left_;
  std::uint64_t number_ = 0;
  std::uint64_t attempt_ = 0;        ///< the one waited for
  std::uint64_t requests_ = 0;
  int asked_ = -1;                   ///< the machine that has it
  Purpose purpose_ = Purpose::first;
  std::optional<Wish> wish_;
  std::optional<runtime::Outcome> told_;
  bool maybe_applied_ = false;
  std::size_t favourite_ = 0;
  std::uint64_t deadline_ = 0;       ///< timer
  std::vector<std::string> not_applied_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::sim
