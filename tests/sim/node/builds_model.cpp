#include "tests/sim/node/builds_model.hpp"

namespace tidemark::sim {
namespace {

/// "BuildAssigned" of "tidemark.builds.BuildAssigned.v1".
std::string short_name(const std::string& type) {
  const std::size_t from = type.find('.', type.find('.') + 1) + 1;
  return type.substr(from, type.rfind('.') - from);
}

}  // namespace

std::string BuildsModel::decided(const DecisionEvidence& decision) {
  if (decision.verdict == "refused" && !decision.events.empty()) return "a refusal has events";
  for (std::size_t i = 0; i < decision.events.size(); ++i) {
    const Evidence& event = *decision.events[i];
    const auto data = JsonValue::parse(event.data);
    if (!data) return "an event cannot be read: " + event.data.substr(0, 100);
    const std::string type = short_name(event.type);
    if (data->text_of("pool_id") != decision.boundary) return type + " is of pool " + data->text_of("pool_id") + ", decided in " + decision.boundary;
    if (auto bad = happened(pools_[decision.boundary], type, *data, event.time_ms); !bad.empty()) return type + " " + event.data.substr(0, 160) + ": " + bad;
  }
  return {};
}

std::string BuildsModel::happened(Pool& pool, const std::string& type, const JsonValue& data, std::int64_t at_ms) {
  if (type.starts_with("Worker")) return worker_changed(pool, type, data);
  const std::string& id = data.text_of("build_id");
  if (type == "BuildSubmitted") {
    if (pool.builds.contains(id)) return "the build is there already";
    Build build;
    build.submitted_ms = at_ms;
    build.order = static_cast<std::uint64_t>(data.number_of("order"));
    if (build.order != pool.next_order) return "its order is not " + std::to_string(pool.next_order);
    ++pool.next_order;
    pool.queue.emplace(at_ms, build.order, id);
    pool.builds.emplace(id, std::move(build));
    return {};
  }
  const auto found = pool.builds.find(id);
  if (found == pool.builds.end()) return "there is no such build";
  Build& build = found->second;
  if (type == "BuildAssigned") return assigned(pool, data, at_ms, false);
  if (type == "BuildReassigned") return assigned(pool, data, at_ms, true);
  if (type == "BuildLogAppended") {
    if (data.number_of("first_seq") != build.log_lines) return "its log goes on at " + std::to_string(build.log_lines);
    if (const JsonValue* entries = data.find("entries")) build.log_lines += static_cast<std::int64_t>(entries->list.size());
    return {};
  }
  if (type == "HeartbeatRecorded") {
    return build.status == Status::building || build.status == Status::assigned ? std::string() : "a build that nobody has shows a sign of life";
  }
  if (data.find("attempt") && data.number_of("attempt") != build.attempt) return "its attempt is " + std::to_string(build.attempt);
  if (type == "BuildStarted") {
    if (build.status != Status::assigned) return "the build is not assigned";
    build.status = Status::building;
    build.heard_ms = at_ms;
    return {};
  }
  return ended(pool, build, id, type, data, at_ms);
}

std::string BuildsModel::assigned(Pool& pool, const JsonValue& data, std::int64_t at_ms, bool again) {
  const std::string& id = data.text_of("build_id");
  const std::string& worker_id = data.text_of("worker_id");
  Build& build = pool.builds.at(id);
  const auto worker = pool.workers.find(worker_id);
  if (worker == pool.workers.end()) return "there is no such worker";
  if (data.number_of("attempt") != build.attempt + 1) return "its attempt must be " + std::to_string(build.attempt + 1);
  const bool claimed = data.find("claimed") && data.find("claimed")->boolean;
  if (again) {
    if (build.worker != worker_id || (build.status != Status::assigned && build.status != Status::building)) return "the worker does not have it";
  } else {
    if (build.status != Status::pending) return "the build is not pending";
    if (!claimed) {
      if (!worker->second.active.empty()) return "the worker has " + worker->second.active;
      if (std::get<2>(*pool.queue.begin()) != id) return std::get<2>(*pool.queue.begin()) + " is before it in the queue";
      worker->second.active = id;
    }
    leave_queue(pool, build, id);
  }
  build.status = Status::assigned;
  build.worker = worker_id;
  build.heard_ms = at_ms;
  ++build.attempt;
  return {};
}

void BuildsModel::free_worker(Pool& pool, const Build& build, const std::string& id) {
  const auto worker = pool.workers.find(build.worker);
  if (worker != pool.workers.end() && worker->second.active == id) worker->second.active.clear();
}

std::string BuildsModel::ended(Pool& pool, Build& build, const std::string& id, const std::string& type, const JsonValue& data, std::int64_t at_ms) {
  const bool active = build.status == Status::assigned || build.status == Status::building;
  if (type == "BuildRequeued") {
    if (!active) return "nobody has the build";
    free_worker(pool, build, id);
    build.status = Status::pending;
    build.worker.clear();
    pool.queue.emplace(build.submitted_ms, build.order, id);
    return {};
  }
  if (type == "BuildCompleted") {
    const bool late = data.find("late") && data.find("late")->boolean;
    if (late ? !(build.timed_out && build.status == Status::failed) && !(build.status == Status::pending && build.attempt > 0) : !active) return "the build cannot complete now";
    if (build.status == Status::pending) leave_queue(pool, build, id);
    free_worker(pool, build, id);
    build.status = Status::completed;
  } else if (type == "BuildFailed") {
    if (!active) return "the build cannot fail now";
    free_worker(pool, build, id);
    build.status = Status::failed;
    build.timed_out = false;
  } else if (type == "BuildTimedOut") {
    if (!active) return "nobody has the build";
    const std::int64_t allowed = build.status == Status::building ? kBuildingSilenceMs : kAssignedSilenceMs;
    if (at_ms - build.heard_ms < allowed) return "it was heard " + std::to_string(at_ms - build.heard_ms) + " ms before";
    free_worker(pool, build, id);
    build.status = Status::failed;
    build.timed_out = true;
  } else if (type == "BuildCancelled") {
    if (!active && build.status != Status::pending) return "the build is over";
    if (build.status == Status::pending) leave_queue(pool, build, id);
    free_worker(pool, build, id);
    build.status = Status::cancelled;
  } else {
    return "an event that nobody asked for";
  }
  ++ended_;
  return {};
}

std::string BuildsModel::worker_changed(Pool& pool, const std::string& type, const JsonValue& data) {
  const std::string& id = data.text_of("worker_id");
  const auto found = pool.workers.find(id);
  if (type == "WorkerRegistered") {
    if (found != pool.workers.end()) return "the worker is known";
    pool.workers[id] = Worker{};
    return {};
  }
  if (found == pool.workers.end()) return "there is no such worker";
  Worker& worker = found->second;
  if (type == "WorkerReregistered") {
    worker.online = true;
  } else if (type == "WorkerCameOnline") {
    if (worker.online) return "the worker is online";
    worker.online = true;
  } else if (type == "WorkerWentOffline" || type == "WorkerUnregistered") {
    if (!worker.active.empty()) return "the worker has " + worker.active;
    if (type == "WorkerWentOffline" && !worker.online) return "the worker is offline";
    worker.online = false;
  }
  return {};
}

std::vector<BuildsModel::Held> BuildsModel::held(const std::string& name) const {
  std::vector<Held> out;
  const auto pool = pools_.find(name);
  if (pool == pools_.end()) return out;
  for (const auto& [id, worker] : pool->second.workers) {
    if (!worker.active.empty()) out.push_back({worker.active, id});
  }
  return out;
}

std::size_t BuildsModel::active() const {
  std::size_t count = 0;
  for (const auto& [name, pool] : pools_) {
    for (const auto& [id, build] : pool.builds) count += build.status == Status::assigned || build.status == Status::building ? 1u : 0u;
  }
  return count;
}

}  // namespace tidemark::sim
