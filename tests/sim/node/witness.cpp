#include "tests/sim/node/witness.hpp"

#include "core/base/bytes.hpp"

namespace tidemark::sim {
namespace {

/// A group that gives this node nothing.
class Onlooker final : public runtime::LaneGroup {
 public:
  explicit Onlooker(Scheduler& scheduler) : scheduler_(scheduler) {}
  void join(std::function<void(const std::vector<LaneId>&)> proposed) override {
    scheduler_.post([proposed = std::move(proposed)] { proposed({}); });
  }
  void agree_anew() override {}
  void leave(Fn<void()> done) override { scheduler_.post(std::move(done)); }

 private:
  Scheduler& scheduler_;
};

std::map<std::string, std::string> rows_of(const RowReader& rows) {
  std::map<std::string, std::string> out;
  rows.scan("\x01", "", [&](std::string_view key, std::string_view value) {
    out.emplace(key, value);
    return true;
  });
  return out;
}

}  // namespace

Witness::Witness(Site& site, Machine& beside) : site_(site), scheduler_(site.world, "witness", 1), stores_(site.faults) {
  log::EventLog* log = nullptr;
  if (site.brokers != nullptr) {
    own_log_ = std::make_unique<BrokerLog>(*site.brokers, scheduler_.home(), "the witness");
    log = own_log_.get();
  } else {
    log = &beside.log();
  }
  group_ = std::make_unique<Onlooker>(scheduler_);
  runtime::NodeParts parts{scheduler_, *log, stores_, [this](std::string_view) -> Executor& { return scheduler_; }};
  parts.group = group_.get();
  runtime::NodeOptions options = site.options;
  options.node_id = "witness";
  node_ = runtime::make_node(std::move(parts), site.domains(), options);
}

Witness::~Witness() {
  node_.reset();
  scheduler_.home().drop();
}

void Witness::start() { spawn(run()); }

Task<void> Witness::run() {
  auto task = node_->start();
  auto started = co_await std::move(task);
  if (!started) site_.history.violated("a new node starts", describe(started.error()));
  started_ = true;
}

bool Witness::caught_up() const {
  if (!started_) return false;
  for (const auto& status : node_->projection_statuses()) {
    if (status.behind > 0) return false;
  }
  return true;
}

void Witness::compare(Machine& machine) {
  for (const auto& name : stores_.names()) {
    const auto due = rows_of(stores_.at(name));
    const auto is = rows_of(machine.stores().at(name));
    if (due == is) continue;
    for (const auto& [key, value] : due) {
      const auto found = is.find(key);
      if (found != is.end() && found->second == value) continue;
      return site_.history.violated("rows equal a fold from nothing", machine.text() + ", store " + name + ", key " + to_hex(key) +
                                                                          (found == is.end() ? " is missing" : ": " + found->second.substr(0, 200)) + ", and from nothing: " + value.substr(0, 200));
    }
    return site_.history.violated("rows equal a fold from nothing", machine.text() + ", store " + name + " has " + std::to_string(is.size()) + " rows of " + std::to_string(due.size()));
  }
}

}  // namespace tidemark::sim
