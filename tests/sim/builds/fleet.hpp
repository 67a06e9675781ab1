#pragma once
// Workers and their builds in virtual time, over the node as it runs: the domain's decider, its durable timers, the owner's
// memory. A beat does what the heartbeat route does.

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/registration.hpp"
#include "schemas/builds/builds.hpp"
#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"

namespace tidemark::testing {

class Fleet {
 public:
  explicit Fleet(std::uint64_t seed) : random_(seed), scheduler_(seed) {}

  /// Runs `work` once the fleet's time has come so far; all of it in run().
  void at(Duration when, std::function<void()> work) { agenda_.emplace(when, std::move(work)); }
  void run() {
    while (!agenda_.empty()) {
      const auto next = agenda_.begin();
      const Duration when = next->first;
      auto work = std::move(next->second);
      agenda_.erase(next);
      if (when > now()) scheduler_.run_for(when - now());
      work();
    }
  }
  Duration now() const { return std::chrono::duration_cast<Duration>(scheduler_.now().time_since_epoch()); }
  Time wall() const { return scheduler_.wall(); }
  VirtualScheduler& scheduler() { return scheduler_; }

  /// From `least` to `most`.
  Duration between(Duration least, Duration most) { return least + Duration(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>((most - least).count() + 1))); }

  void start_owner() {
    log_ = std::make_unique<MemoryLog>(history_, scheduler_);
    node_ = std::make_unique<DomainNode>(scheduler_, *log_, stores_, commands::builds::endpoint::make_builds_domain(settings));
    ASSERT_TRUE(node_->start().ok());
    taken.push_back(wall());
  }
  void kill_owner() {
    node_.reset();
    scheduler_.drop_everything();
    stores_.crash();
  }
  bool is_up() const { return node_ != nullptr; }

  template <class Command>
  runtime::Outcome execute(const Command& command) { return node_->execute(command); }

  std::optional<commands::builds::BuildRow> build(const std::string& id) {
    std::optional<commands::builds::BuildRow> row;
    look([&](const runtime::OwnerView& view) { row = commands::builds::find_build(view.state, id); });
    return row;
  }

  /// A build of that name, submitted and assigned to a worker of its own.
  void begin(const std::string& id) {
    using namespace schemas::builds;
    const BlobRef source{.sha256 = std::string(64, 'a'), .size = 1, .kind = BlobKind::source, .declared_name = "s", .declared_type = {}};
    EXPECT_EQ(execute(SubmitBuild{.source = source, .access_token_sha256 = std::string(64, '7'), .token_key_id = "k", .build_id = id}).kind, runtime::Outcome::Kind::accepted);
    RegisterWorker worker;
    worker.worker_id = "w-" + id;
    worker.name = "Mac";
    worker.capabilities.raw = "{}";
    worker.token_sha256 = "t-" + id;
    worker.token_key_id = "k";
    EXPECT_EQ(execute(worker).kind, runtime::Outcome::Kind::accepted);
    PollForJob poll;
    poll.worker_id = "w-" + id;
    poll.otp_key_id = "k";
    EXPECT_EQ(execute(poll).kind, runtime::Outcome::Kind::accepted);
    const auto row = build(id);
    EXPECT_TRUE(row && row->worker_id == "w-" + id) << id;
  }

  /// A heartbeat as its route takes it: a sign of life in the owner's memory, and a record when one is due.
  void beat(const std::string& id) {
    using namespace schemas::builds;
    namespace endpoint = commands::builds::endpoint;
    RecordSignOfLife command;
    command.build_id = id;
    command.worker_id = "w-" + id;
    bool record = false;
    look([&](const runtime::OwnerView& view) {
      const auto row = commands::builds::find_build(view.state, id);
      if (!row) return;
      command.last_mark_at = view.memory.get(commands::builds::mark_key(id));
      const bool due = !command.last_mark_at || to_ms(view.now) - *command.last_mark_at >= settings.activity_mark_ms;
      record = row->status != BuildStatus::building || due;
      endpoint::note_life(view, *row);
    });
    ++beats;
    if (!record) return;
    const auto outcome = execute(command);
    if (outcome.kind != runtime::Outcome::Kind::accepted) return;
    look([&](const runtime::OwnerView& view) { view.memory.set(commands::builds::mark_key(id), to_ms(view.now)); });
  }

  void complete(const std::string& id) {
    using namespace schemas::builds;
    ReportResult command;
    command.build_id = id;
    command.worker_id = "w-" + id;
    command.success = true;
    command.result = BlobRef{.sha256 = std::string(64, 'e'), .size = 1, .kind = BlobKind::result, .declared_name = "r", .declared_type = {}};
    execute(command);
  }

  schemas::builds::Settings settings;
  std::vector<Time> taken;  ///< when an owner began to listen
  std::uint64_t beats = 0;

 private:
  void look(FnRef<void(const runtime::OwnerView&)> read) {
    const auto done = (*node_)->owner_call("builds", schemas::builds::kDefaultPool, read);
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : describe(done.error()));
  }

  std::mt19937_64 random_;
  VirtualScheduler scheduler_;
  std::shared_ptr<LogHistory> history_ = std::make_shared<LogHistory>();
  MemoryStores stores_;
  std::unique_ptr<MemoryLog> log_;
  std::unique_ptr<DomainNode> node_;
  std::multimap<Duration, std::function<void()>> agenda_;
};

}  // namespace tidemark::testing
