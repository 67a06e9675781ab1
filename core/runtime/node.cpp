#include "core/runtime/node.hpp"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "core/runtime/command_forwarder.hpp"
#include "core/runtime/domain_index.hpp"
#include "core/runtime/followed_state.hpp"
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_group.hpp"
#include "core/runtime/projection_skip.hpp"
#include "core/runtime/projection_worker.hpp"
#include "core/runtime/state_fold.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kSkipReasonMax = 1000;
constexpr Duration kFirstLanesPatience = std::chrono::seconds(10), kFirstLanesLook{10};
constexpr Duration kIndexPatience = std::chrono::seconds(10);

class NodeImpl final : public Node, public FollowedState {
 public:
  NodeImpl(NodeParts parts, std::vector<Domain> domains, NodeOptions options)
      : parts_(std::move(parts)), domains_(std::move(domains)), options_(std::move(options)) {}

  ~NodeImpl() override {
    *alive_ = false;
    if (watch_ != 0) parts_.log.stop_watching(watch_);
  }

  Task<Result<void>> start() override {
    if (auto opened = open(); !opened) co_return opened.take_error();
    watch_ = parts_.log.watch([this] {
      if (parts_.log.failure()) parts_.scheduler.post([this, alive = alive_] { if (*alive) fail(*parts_.log.failure()); });
      if (parts_.group == nullptr || growth_told_.exchange(true)) return;
      parts_.scheduler.post([this, alive = alive_] { if (*alive) log_grew(); });
    });
    open_memory();
    // All lanes are folded before one serves: a command id may have been used in any of them.
    auto fold = [this](Fn<void(Result<void>)> done) { fold_states(std::move(done)); };
    auto folded = co_await Callback<Result<void>>(std::move(fold));
    if (!folded) co_return folded.take_error();
    auto project = [this](Fn<void(Result<void>)> done) { start_projections(std::move(done)); };
    auto projected = co_await Callback<Result<void>>(std::move(project));
    if (!projected) co_return projected.take_error();
    if (parts_.group != nullptr) {
      if (abandoned_) co_return make_error(Code::cancelled, "the start was abandoned");
      is_member_ = !failure_;
      for (auto& lane : lanes_) lane->follow();
      parts_.group->join([this](const std::vector<LaneId>& lanes) { proposed(lanes); });
      // A client that was told that the node is ready may ask it alone. But a group that is silent keeps no warm node from answering.
      const SteadyTime until = parts_.scheduler.now() + kFirstLanesPatience;
      while (!has_first_lanes() && parts_.scheduler.now() < until && !abandoned_ && !failure_) {
        auto wait = [this](Fn<void(bool)> done) { parts_.scheduler.after(kFirstLanesLook, [done = std::move(done)]() mutable { done(true); }); };
        co_await Callback<bool>(std::move(wait));
      }
      ready_ = !failure_;
      co_return Result<void>();
    }
    for (auto& lane : lanes_) {
      auto take = [&lane](Fn<void(Result<void>)> done) { lane->take(std::move(done)); };
      auto taken = co_await Callback<Result<void>>(std::move(take));
      if (!taken) co_return taken.take_error();
    }
    if (abandoned_) co_return make_error(Code::cancelled, "the start was abandoned");
    ready_ = !failure_;
    co_return Result<void>();
  }

  void abandon_start() override {
    abandoned_ = true;
    for (auto& worker : workers_) worker->abandon_start();
  }

  Task<Result<void>> stop() override {
    ready_ = is_member_ = false;
    if (forwarder_) {
      auto end = [this](Fn<void(bool)> done) { forwarder_->stop([done = std::move(done)]() mutable { done(true); }); };
      co_await Callback<bool>(std::move(end));
    }
    for (auto& lane : lanes_) {
      auto drain = [&lane](Fn<void(bool)> done) { lane->drain([done = std::move(done)]() mutable { done(true); }); };
      co_await Callback<bool>(std::move(drain));
    }
    if (parts_.group != nullptr) {
      auto leave = [this](Fn<void(bool)> done) { parts_.group->leave([done = std::move(done)]() mutable { done(true); }); };
      co_await Callback<bool>(std::move(leave));
    }
    for (auto& worker : workers_) {
      auto end = [&worker](Fn<void(bool)> done) { worker->stop([done = std::move(done)]() mutable { done(true); }); };
      co_await Callback<bool>(std::move(end));
    }
    if (memory_file_) {
      auto save = [this](Fn<void(bool)> done) { memory_file_->stop([done = std::move(done)]() mutable { done(true); }); };
      co_await Callback<bool>(std::move(save));
    }
    Result<void> flushed;
    for (std::size_t i = 0; i < runtimes_.size(); ++i) {
      auto flush = [this, i]() -> Result<void> { return runtimes_[i].state->flush(); };
      auto done = co_await run_on(*state_executors_[i], parts_.scheduler, std::move(flush));
      if (!done && flushed.ok()) flushed = done.take_error();
    }
    co_return flushed;
  }

  bool ready() const override { return ready_ && !failure_; }
  std::optional<Error> failure() const override { return failure_; }
  void on_failure(Fn<void(Error)> call) override { on_failure_ = std::move(call); }

  Task<Outcome> execute(CommandRequest request) override {
    Outcome outcome;
    if (!ready_) {
      outcome.command_id = request.command_id;
      outcome.error = not_ready();
      co_return outcome;
    }
    const auto index = domain_index(request.domain);
    if (!index) {
      outcome.kind = Outcome::Kind::unknown;
      co_return outcome;
    }
    auto command = domains_[*index].decider->decode(request.name, request.data, outcome.bad_input);
    if (!command) {
      outcome.kind = outcome.bad_input.errors.empty() ? Outcome::Kind::unknown : Outcome::Kind::bad_input;
      co_return outcome;
    }
    if (command->canonical_data().size() > kCommandBytesMax) {
      outcome.kind = Outcome::Kind::bad_input;
      outcome.bad_input.errors.push_back({"", "must be at most " + std::to_string(kCommandBytesMax) + " bytes"});
      co_return outcome;
    }
    if (request.command_id.empty()) {
      request.command_id = make_command_id();
    }
    const LaneId lane = lane_of(command->boundary(), parts_.log.lanes());
    const bool keyed = request.keyed;
    const std::string id = request.command_id;
    const std::string under_way = request.domain + ' ' + id;
    if (keyed) {
      // The same name may come with another boundary and so for another lane; one name has one decision.
      if (auto elsewhere = lane_of_command(*index, id); elsewhere && *elsewhere != lane) {
        outcome.kind = Outcome::Kind::key_reused;
        outcome.command_id = id;
        outcome.detail = "this command id was used before with another body";
        co_return outcome;
      }
      auto& entry = under_way_[under_way];
      entry.first = lane;
      ++entry.second;
    }
    const bool is_ours = !forwarder_ || lanes_[lane.value]->takes_commands();
    std::optional<CommandRequest> elsewhere;  // what is asked of the lane's owner, now or when the lane has moved meanwhile
    if (!is_ours) elsewhere = std::move(request);
    else if (forwarder_) elsewhere = request;
    if (is_ours) {
      auto submit = [&](Fn<void(Outcome)> done) { lanes_[lane.value]->submit(*index, std::move(request), std::move(command), std::move(done)); };
      outcome = co_await Callback<Outcome>(std::move(submit));
      const bool has_moved = outcome.kind == Outcome::Kind::failed && outcome.error.code == Code::unavailable && ready_ && !lanes_[lane.value]->takes_commands();
      if (!has_moved) elsewhere.reset();
    }
    if (elsewhere) {
      if (!command) command = domains_[*index].decider->decode(elsewhere->name, elsewhere->data, outcome.bad_input);
      auto forwarding = forwarder_->forward(*index, lane, std::move(*elsewhere), std::move(command));
      outcome = co_await std::move(forwarding);
    }
    if (keyed) {
      const auto entry = under_way_.find(under_way);
      if (--entry->second.second == 0) under_way_.erase(entry);
    }
    co_return outcome;
  }

  Result<void> owner_call(std::string_view domain, std::string_view boundary, FnRef<void(const OwnerView&)> read) override {
    const auto index = domain_index(domain);
    if (!index) return make_error(Code::invalid_argument, "no such domain: " + std::string(domain));
    if (lanes_.empty()) return make_error(Code::unavailable, "the node is starting");
    return lanes_[lane_of(boundary, parts_.log.lanes()).value]->owner_call(*index, boundary, read);
  }

  Result<void> state_call(std::string_view domain, std::string_view boundary, FnRef<void(const RowReader&)> read) override {
    const auto index = domain_index(domain);
    if (!index) return make_error(Code::invalid_argument, "no such domain: " + std::string(domain));
    if (lanes_.empty()) return make_error(Code::unavailable, "the node is starting");
    return lanes_[lane_of(boundary, parts_.log.lanes()).value]->state_call(*index, boundary, read);
  }

  std::shared_ptr<const RowReader> projection_rows(std::string_view name) const override { return rows_of(name); }

  std::shared_ptr<const RowReader> projection_snapshot(std::string_view name) const override {
    // The store outlives its snapshot.
    struct Held {
      std::shared_ptr<const store::Store> store;
      std::unique_ptr<RowReader> rows;
    };
    auto held = std::make_shared<Held>(Held{rows_of(name), nullptr});
    held->rows = held->store->snapshot();
    return {held, held->rows.get()};
  }

  Task<Result<void>> wait_owner(std::string domain, std::string boundary, SteadyTime deadline, std::function<bool(const OwnerView&)> wanted) override {
    const auto index = domain_index(domain);
    if (!index) co_return make_error(Code::invalid_argument, "no such domain: " + domain);
    if (!ready_) co_return make_error(Code::unavailable, "the node is starting or stopping");
    auto& waiters = lanes_[lane_of(boundary, parts_.log.lanes()).value]->waiters();
    auto wait = [&](Fn<void(Result<void>)> done) { waiters.add(*index, std::move(boundary), deadline, std::move(wanted), std::move(done)); };
    co_return co_await Callback<Result<void>>(std::move(wait));
  }

  Task<Result<void>> wait_applied(std::string projection, Position position, SteadyTime deadline) override {
    if (!position.empty() && position.log_epoch != parts_.log.epoch()) {
      co_return make_error(Code::invalid_argument, "the position is of another log");
    }
    auto* const worker = worker_of(projection);
    if (worker == nullptr) co_return no_such_projection(projection);
    auto wait = [&](Fn<void(Result<void>)> done) { worker->wait(std::move(position), deadline, std::move(done)); };
    co_return co_await Callback<Result<void>>(std::move(wait));
  }

  Task<Result<void>> wait_domain_applied(std::string domain, Position position, SteadyTime deadline) override {
    const auto index = domain_index(domain);
    if (!index) co_return make_error(Code::invalid_argument, "no such domain: " + domain);
    for (const auto& projection : domains_[*index].projections) {
      auto task = wait_applied(projection->spec().name, position, deadline);
      auto applied = co_await std::move(task);
      if (!applied) co_return applied.take_error();
    }
    co_return Result<void>();
  }

  Position domain_end(std::string_view domain) const override {
    Position position;
    position.log_epoch = parts_.log.epoch();
    const auto index = domain_index(domain);
    if (!index) return position;
    const auto& runtime = runtimes_[*index];
    for (std::size_t t = 0; t < runtime.decisions_index(); ++t) {
      for (std::uint32_t lane = 0; lane < parts_.log.lanes(); ++lane) {
        const Tmseq end = parts_.log.end(runtime.topics[t].id, LaneId{lane});
        if (end.value > 0) position.parts.push_back({runtime.topics[t].spec.name, LaneId{lane}, Tmseq{end.value - 1}});
      }
    }
    std::sort(position.parts.begin(), position.parts.end());
    return position;
  }

  std::vector<LaneStanding> lane_standings() const override {
    std::vector<LaneStanding> all;
    const auto behind = states_behind();
    for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
      const LaneProcessor& lane = *lanes_[i];
      const auto role = lane.serving() ? LaneStanding::Role::serving : lane.wanted() ? LaneStanding::Role::taking : LaneStanding::Role::following;
      all.push_back({LaneId{i}, role, lane.owner_epoch(), lane.queued(), behind ? std::optional((*behind)[i]) : std::nullopt});
    }
    return all;
  }

  std::vector<ProjectionStatus> projection_statuses() const override {
    std::vector<ProjectionStatus> all;
    for (const auto& worker : workers_) all.push_back(worker->status());
    return all;
  }

  Task<Result<ProjectionStatus>> retry_projection(std::string name) override {
    auto* const worker = worker_of(name);
    if (worker == nullptr) co_return no_such_projection(name);
    if (!ready()) co_return not_ready();
    auto retry = [worker](Fn<void(ProjectionStatus)> done) { worker->retry(std::move(done)); };
    auto status = co_await Callback<ProjectionStatus>(std::move(retry));
    co_return status;
  }

  Task<Result<ProjectionStatus>> skip_projection_event(SkipRequest request) override {
    auto* const worker = worker_of(request.projection);
    if (worker == nullptr) co_return no_such_projection(request.projection);
    if (request.reason.empty() || request.reason.size() > kSkipReasonMax) {
      co_return make_error(Code::invalid_argument, "the reason must have 1 to " + std::to_string(kSkipReasonMax) + " bytes");
    }
    if (!ready()) co_return not_ready();
    const auto fault = worker->fault(request.topic, request.lane);
    if (!fault || fault->event_id != request.event_id) {
      co_return make_error(Code::version_conflict, "projection " + request.projection + " is not stopped at event " + request.event_id + " in " +
                                                       request.topic + " lane " + std::to_string(request.lane.value));
    }
    const std::size_t domain = domain_of_worker_.at(worker);
    const SkippedEvent skip{request.topic, request.lane, fault->at, request.event_id, request.reason, request.actor};
    CommandRequest record;
    record.domain = domains_[domain].name;
    record.actor = request.actor;
    record.command_id = make_command_id();
    const ProjectionEventSkipped data{request.projection, worker->projection().spec().version, skip.topic, skip.at.value, skip.event_id, skip.reason};
    auto command = std::make_unique<SkipEventCommand>(skip.lane, data);
    auto submit = [&](Fn<void(Outcome)> done) { lanes_[skip.lane.value]->submit(domain, std::move(record), std::move(command), std::move(done)); };
    auto outcome = co_await Callback<Outcome>(std::move(submit));
    if (outcome.kind == Outcome::Kind::failed) co_return std::move(outcome.error);
    auto leave_out = [worker, skip](Fn<void(ProjectionStatus)> done) { worker->skip(skip, std::move(done)); };
    auto status = co_await Callback<ProjectionStatus>(std::move(leave_out));
    co_return status;
  }

  Result<void> rebuild_projection(std::string_view name) override {
    auto* const worker = worker_of(name);
    if (worker == nullptr) return no_such_projection(name);
    if (!ready()) return not_ready();
    return worker->rebuild();
  }

  const std::vector<Domain>& domains() const override { return domains_; }
  log::EventLog& log() override { return parts_.log; }
  Scheduler& scheduler() override { return parts_.scheduler; }

 private:
  Result<void> open() {
    for (const auto& domain : domains_) {
      auto runtime = open_domain(domain, parts_.log, parts_.stores, parts_.personal);
      if (!runtime) return runtime.take_error();
      auto same = store_matches_log(*runtime->state, runtime->topics, parts_.log);
      if (!same) return same.take_error();
      if (!*same) {
        if (auto cleared = runtime->state->clear(); !cleared) return cleared;
      }
      runtimes_.push_back(std::move(*runtime));
      // Asked once: flushes of a store stay in one order, and the last one at stop() is behind all others.
      state_executors_.push_back(&parts_.projection_executor("state/" + domain.name));
    }
    if (parts_.group != nullptr && parts_.proof != nullptr && parts_.log.inbox() != nullptr) {
      auto executor = [this](std::size_t domain) -> Executor& { return *state_executors_[domain]; };
      forwarder_ = std::make_unique<CommandForwarder>(CommandForwarder::Parts{parts_.scheduler, parts_.log, runtimes_, std::move(executor),
                                                                                    [this] { return parts_.group->in_force(); }, *parts_.proof, options_});
    }
    rebuild_executor_ = &parts_.projection_executor("rebuild");
    unflushed_records_.assign(runtimes_.size(), 0);
    flushing_.assign(runtimes_.size(), false);
    for (std::uint32_t i = 0; i < parts_.log.lanes(); ++i) {
      LaneHooks hooks{[this](Error error) { fail(std::move(error)); }, [this](std::size_t domain) { state_written(domain); },
                      [this](CommandRequest request, Time intended, Fn<void(Outcome)> done) { spawn(execute_reaction(std::move(request), intended, std::move(done))); },
                      parts_.calls, &breakers_, nullptr, [this](std::size_t domain) -> Executor& { return *state_executors_[domain]; }};
      if (parts_.group != nullptr) {
        hooks.lost = [this] { parts_.group->agree_anew(); };
        hooks.may_take = [this] { return parts_.group->in_force(); };
        hooks.proof = parts_.proof;
      }
      if (forwarder_) {
        hooks.heard = [this](std::size_t domain, LaneId lane_heard, const std::vector<HeardDecision>& decisions) { forwarder_->heard(domain, lane_heard, decisions); };
      }
      lanes_.push_back(std::make_unique<LaneProcessor>(LaneId{i}, parts_.scheduler, parts_.log, runtimes_, options_, std::move(hooks)));
    }
    for (std::size_t d = 0; d < domains_.size(); ++d) {
      for (const auto& projection : domains_[d].projections) {
        if (auto opened = open_projection(d, projection, runtimes_[d].decisions_index()); !opened) return opened;
      }
      // The index reads the decisions too.
      if (auto opened = open_projection(d, make_domain_index(domains_[d]), runtimes_[d].topics.size()); !opened) return opened;
    }
    return {};
  }

  /// By lane: what the states have yet to fold.
  std::optional<std::vector<std::uint64_t>> states_behind() const {
    std::vector<std::uint64_t> behind(lanes_.size());
    for (const DomainRuntime& runtime : runtimes_) {
      auto stored = runtime.state->checkpoints();
      if (!stored) return std::nullopt;
      for (const auto& topic : runtime.topics) {
        for (std::uint32_t lane = 0; lane < behind.size(); ++lane) {
          const auto at = stored->find(store::CheckpointKey{topic.spec.name, LaneId{lane}});
          const Tmseq next = std::max(at == stored->end() ? Tmseq{0} : at->second.next, parts_.log.begin(topic.id, LaneId{lane}));
          const Tmseq end = parts_.log.end(topic.id, LaneId{lane});
          if (next < end) behind[lane] += end.value - next.value;
        }
      }
    }
    return behind;
  }

  void log_grew() {
    growth_told_ = false;
    for (auto& lane : lanes_) lane->log_grew();
  }

  /// The group has agreed which lanes are ours.
  void proposed(const std::vector<LaneId>& lanes) {
    if (!is_member_ || failure_) return;
    was_proposed_ = true;
    for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
      const bool ours = std::find(lanes.begin(), lanes.end(), LaneId{i}) != lanes.end();
      if (ours) lanes_[i]->claim();
      else if (lanes_[i]->wanted()) lanes_[i]->give_up([] {});
    }
  }

  /// What the group has proposed first is served here.
  bool has_first_lanes() const {
    return was_proposed_ && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->serving() || !lane->wanted(); });
  }

  /// `readable`: how many of the domain's topics it may name.
  Result<void> open_projection(std::size_t domain, const std::shared_ptr<const Projection>& projection, std::size_t readable) {
    const auto& spec = projection->spec();
    if (spec.topics.empty() || (spec.topics.size() > 1 && !spec.mergeable)) {
      return make_error(Code::invalid_argument, "projection " + spec.name + " takes one topic, or declares itself mergeable");
    }
    std::vector<OpenTopic> topics;
    for (const auto& name : spec.topics) {
      const std::size_t index = runtimes_[domain].topic_index(name);
      if (index >= readable) {
        return make_error(Code::invalid_argument, "projection " + spec.name + " names a topic that its domain does not declare: " + name);
      }
      topics.push_back(runtimes_[domain].topics[index]);
    }
    workers_.push_back(std::make_unique<ProjectionWorker>(
        ProjectionSource{projection, std::move(topics), parts_.log},
        ProjectionWorker::Parts{parts_.scheduler, parts_.projection_executor(spec.name), *rebuild_executor_, parts_.stores}, options_,
        [this](Error error) { fail(std::move(error)); }));
    domain_of_worker_[workers_.back().get()] = domain;
    return workers_.back()->open();
  }

  /// Folds the state of every domain on its executor, all of them at once.
  void fold_states(Fn<void(Result<void>)> done) {
    const auto join = make_join(runtimes_.size(), std::move(done));
    for (std::size_t i = 0; i < runtimes_.size(); ++i) {
      state_executors_[i]->post([this, i, join] {
        auto folded = fold_all_lanes(runtimes_[i], parts_.log, options_.idempotency_window, options_.bulk_bytes, abandoned_);
        parts_.scheduler.post([this, i, join, folded = std::move(folded)]() mutable {
          if (!folded) return join(folded.take_error());
          unflushed_records_[i] += *folded;
          join({});
        });
      });
    }
  }

  void start_projections(Fn<void(Result<void>)> done) {
    const auto join = make_join(workers_.size(), std::move(done));
    for (auto& worker : workers_) {
      worker->start(load_skips(*runtimes_[domain_of_worker_.at(worker.get())].state, worker->projection().spec()), join);
    }
  }

  /// Calls `done` with the first error, or ok, once it was called so many times.
  static std::function<void(Result<void>)> make_join(std::size_t times, Fn<void(Result<void>)> done) {
    struct Join {
      std::size_t left;
      Fn<void(Result<void>)> done;
      Result<void> result{};
    };
    const auto join = std::make_shared<Join>(Join{times, std::move(done)});
    if (times == 0) join->done({});
    return [join](Result<void> one) {
      if (!one && join->result.ok()) join->result = std::move(one);
      if (--join->left == 0) join->done(std::move(join->result));
    };
  }

  ProjectionWorker* worker_of(std::string_view name) const {
    const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& worker) { return worker->projection().spec().name == name; });
    return found == workers_.end() ? nullptr : found->get();
  }
  static Error no_such_projection(std::string_view name) { return make_error(Code::invalid_argument, "no such projection: " + std::string(name)); }
  Error not_ready() const {
    return make_error(Code::unavailable, failure_ ? "the node has failed: " + failure_->message : "the node is starting or stopping");
  }
  std::string make_command_id() { return to_string(make_uuid_v7(parts_.scheduler.wall(), parts_.scheduler.random(), parts_.scheduler.random())); }

  std::shared_ptr<const store::Store> rows_of(std::string_view name) const {
    if (const auto* worker = worker_of(name)) return worker->rows();
    TM_ASSERT(false, "a projection that is not registered was asked for");
    std::abort();
  }

  /// Gives the lanes the memory of the run before, and keeps it from now on.
  void open_memory() {
    if (!parts_.volatile_file) return;
    std::vector<VolatileCheckpoint::Part> kept{{"node", &breakers_}};
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
      for (std::size_t d = 0; d < domains_.size(); ++d) kept.push_back({domains_[d].name + "/" + std::to_string(lane), &lanes_[lane]->memory(d)});
    }
    const VolatileFile& file = *parts_.volatile_file;
    memory_file_ = std::make_unique<VolatileCheckpoint>(file.path, parts_.log.epoch(), std::move(kept), file.disk, parts_.scheduler, file.files);
    if (auto restored = memory_file_->restore(); !restored && restored.error().code != Code::not_found && file.not_restored) file.not_restored(restored.error());
    memory_file_->start();
  }

  Task<void> execute_reaction(CommandRequest request, Time intended, Fn<void(Outcome)> done) {
    const auto index = domain_index(request.domain);
    if (index && ready_ && parts_.scheduler.wall() - intended >= options_.idempotency_window / 2) {
      auto asking = decided_before(*index, request.command_id);
      auto before = co_await std::move(asking);
      if (!before.ok() || *before) {
        Outcome outcome;
        outcome.command_id = request.command_id;
        if (before.ok()) outcome = std::move(**before);
        else outcome.error = before.take_error();
        done(std::move(outcome));
        co_return;
      }
    }
    auto task = execute(std::move(request));
    auto outcome = co_await std::move(task);
    done(std::move(outcome));
  }

  /// What became of a command that may be older than execute() remembers; nullopt: it has not been decided.
  ///   errors   not_found: it has, and retention has cut the outcome; others: nobody knows now
  Task<Result<std::optional<Outcome>>> decided_before(std::size_t domain, std::string command_id) {
    const std::string& name = domains_[domain].name;
    const auto id = parse_uuid(command_id);
    if (!id) co_return std::optional<Outcome>();
    auto waiting = wait_applied(index_name(name), index_end(*this, name), parts_.scheduler.now() + kIndexPatience);
    auto applied = co_await std::move(waiting);
    if (!applied) co_return make_error(Code::unavailable, "the index of decisions is behind: " + applied.error().message);
    std::optional<RecordPlace> place;
    try {
      place = find_decision(*rows_of(index_name(name)), name, *id);
    } catch (const RowsUnavailable& error) {
      co_return make_error(Code::unavailable, error.what());
    }
    if (!place) co_return std::optional<Outcome>();
    if (place->at < parts_.log.begin(runtimes_[domain].decisions().id, place->lane)) {
      co_return make_error(Code::not_found, "the command was decided, and retention has cut the outcome");
    }
    auto read = [log = &parts_.log, runtime = &runtimes_[domain], known = KnownCommand{place->lane, place->at, {}, {}}, command_id] {
      return read_outcome(*log, *runtime, known, command_id);
    };
    auto reading = run_on(*state_executors_[domain], parts_.scheduler, std::move(read));
    auto outcome = co_await std::move(reading);
    if (!outcome) co_return make_error(Code::unavailable, "the decision cannot be read: " + outcome.error().message);
    co_return std::optional<Outcome>(std::move(*outcome));
  }

  /// Flushes a state store when it is far enough from the log, off the scheduler's thread.
  void state_written(std::size_t index) {
    ++unflushed_records_[index];
    auto& runtime = runtimes_[index];
    const bool due = runtime.state->unflushed_bytes() >= options_.store_flush_bytes || unflushed_records_[index] >= options_.store_flush_records;
    if (!due || flushing_[index]) return;
    flushing_[index] = true;
    unflushed_records_[index] = 0;
    state_executors_[index]->post([this, index] {
      auto flushed = runtimes_[index].state->flush();
      parts_.scheduler.post([this, index, flushed = std::move(flushed)]() mutable {
        flushing_[index] = false;
        if (!flushed) fail(flushed.take_error());
      });
    });
  }

  void fail(Error error) {
    if (failure_) return;
    failure_ = std::move(error);
    ready_ = false;
    if (on_failure_) parts_.scheduler.post([this] { on_failure_(*failure_); });
  }

  std::optional<std::size_t> domain_index(std::string_view name) const {
    for (std::size_t i = 0; i < domains_.size(); ++i) {
      if (domains_[i].name == name) return i;
    }
    return std::nullopt;
  }

  std::optional<LaneId> lane_of_command(std::size_t domain, const std::string& id) const {
    if (const auto found = under_way_.find(domains_[domain].name + ' ' + id); found != under_way_.end()) return found->second.first;
    const auto uuid = parse_uuid(id);
    if (!uuid) return std::nullopt;
    const auto known = find_command(*runtimes_[domain].state, *uuid);
    if (!known || known->time < parts_.scheduler.wall() - options_.idempotency_window) return std::nullopt;
    return known->lane;
  }

  NodeParts parts_;
  const std::vector<Domain> domains_;
  const NodeOptions options_;
  std::vector<DomainRuntime> runtimes_;
  std::vector<Executor*> state_executors_;
  VolatileMemory breakers_;  ///< of outbound calls, shared by the lanes
  Executor* rebuild_executor_ = nullptr;
  std::unique_ptr<CommandForwarder> forwarder_;  ///< null: what is not decided here is refused
  std::vector<std::unique_ptr<LaneProcessor>> lanes_;
  std::unique_ptr<VolatileCheckpoint> memory_file_;
  std::vector<std::unique_ptr<ProjectionWorker>> workers_;
  std::unordered_map<const ProjectionWorker*, std::size_t> domain_of_worker_;
  std::vector<std::uint64_t> unflushed_records_;  ///< writes since the last flush, per domain
  std::vector<bool> flushing_;
  std::unordered_map<std::string, std::pair<LaneId, int>> under_way_;  ///< keyed commands and how many wait for them
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> growth_told_{false};
  bool ready_ = false;
  bool is_member_ = false, was_proposed_ = false;  ///< of the group
  std::uint64_t watch_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<Error> failure_;
  Fn<void(Error)> on_failure_;
};

}  // namespace

FollowedState& followed_state(Node& node) {
  auto* state = dynamic_cast<FollowedState*>(&node);
  TM_ASSERT(state != nullptr, "the node was made by make_node()");
  return *state;
}

std::unique_ptr<Node> make_node(NodeParts parts, std::vector<Domain> domains, NodeOptions options) {
  return std::make_unique<NodeImpl>(std::move(parts), std::move(domains), std::move(options));
}

}  // namespace tidemark::runtime
