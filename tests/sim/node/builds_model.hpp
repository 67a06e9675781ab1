#pragma once
// The state machine of builds, written once more and apart: what may follow what, in the order of decision.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/node/model.hpp"

namespace tidemark::sim {

class BuildsModel final : public DomainModel {
 public:
  static constexpr std::int64_t kAssignedSilenceMs = 3'000, kBuildingSilenceMs = 2'000;

  std::string decided(const DecisionEvidence& decision) override;

  struct Held {
    std::string build, worker;
  };
  /// What workers have in hand now.
  std::vector<Held> held(const std::string& pool) const;
  /// Builds of a pool that are neither pending nor over.
  std::size_t active() const;
  std::size_t ended() const { return ended_; }

 private:
  enum class Status { pending, assigned, building, completed, failed, cancelled };
  struct Build {
    Status status = Status::pending;
    std::string worker;
    std::uint64_t order = 0;
    std::int64_t submitted_ms = 0, heard_ms = 0, attempt = 0, log_lines = 0;
    bool timed_out = false;
  };
  struct Worker {
    std::string active;
    bool online = true;
  };
  struct Pool {
    std::map<std::string, Build> builds;
    std::map<std::string, Worker> workers;
    std::set<std::tuple<std::int64_t, std::uint64_t, std::string>> queue;
    std::uint64_t next_order = 0;
  };
  std::string happened(Pool& pool, const std::string& type, const JsonValue& data, std::int64_t at_ms);
  std::string assigned(Pool& pool, const JsonValue& data, std::int64_t at_ms, bool again);
  std::string ended(Pool& pool, Build& build, const std::string& id, const std::string& type, const JsonValue& data, std::int64_t at_ms);
  std::string worker_changed(Pool& pool, const std::string& type, const JsonValue& data);
  static void leave_queue(Pool& pool, const Build& build, const std::string& id) { pool.queue.erase({build.submitted_ms, build.order, id}); }
  static void free_worker(Pool& pool, const Build& build, const std::string& id);

  std::map<std::string, Pool> pools_;
  std::size_t ended_ = 0;
};

}  // namespace tidemark::sim
