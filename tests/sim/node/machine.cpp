#include "tests/sim/node/machine.hpp"

namespace tidemark::sim {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

}  // namespace

Machine::Machine(Site& site, int id, std::uint64_t seed)
    : site_(site), id_(id), scheduler_(site.world, "node " + std::to_string(id), seed), disk_(seed ^ 0x5eed), stores_(site.faults) {}

Machine::~Machine() {
  if (up_) die(false);
}

Queue& Machine::queue(std::string_view name) {
  auto found = queues_.find(name);
  if (found == queues_.end()) found = queues_.emplace(std::string(name), std::make_unique<Queue>(site_.world, text() + " " + std::string(name))).first;
  return *found->second;
}

Result<void> Machine::open_log() {
  if (site_.brokers != nullptr) {
    log_ = std::make_unique<BrokerLog>(*site_.brokers, scheduler_.home(), text());
    member_ = std::make_unique<Member>(*site_.dealer, scheduler_, id_);
    return {};
  }
  log::EmbeddedLogOptions options;
  options.directory = "data/log";
  options.lanes = site_.lanes;
  options.segment_bytes = site_.segment_bytes;
  options.make_epoch = [this] { return make_uuid_v7(scheduler_.wall(), scheduler_.random(), scheduler_.random()); };
  options.sealer = &queue("sealer");
  options.now = [this] { return scheduler_.wall(); };
  auto opened = log::open_embedded_log(disk_, scheduler_, queue("writer"), options);
  if (!opened) return opened.take_error();
  log_ = std::move(*opened);
  check_recovered();
  watch_ = log_->watch([this] { log_grew_ = true; });
  log_grew_ = true;
  return {};
}

void Machine::start() {
  if (up_) return;
  up_ = true;
  ++life_;
  site_.history.note([&] { return text() + " starts, life " + std::to_string(life_); });
  if (auto opened = open_log(); !opened) {
    failed(opened.error(), "opening its log");
    dying_ = true;
    return;
  }
  runtime::NodeParts parts{scheduler_, *log_, stores_, [this](std::string_view name) -> Executor& { return queue(name); }};
  parts.group = member_.get();
  runtime::NodeOptions options = site_.options;
  options.node_id = text();
  node_ = runtime::make_node(std::move(parts), site_.domains(), options);
  node_->on_failure([this](Error error) {
    failed(error, "running");
    dying_ = true;
  });
  spawn(run_start(life_));
}

Task<void> Machine::run_start(std::uint64_t life) {
  auto task = node_->start();
  auto started = co_await std::move(task);
  if (life != life_) co_return;
  if (started.ok()) {
    site_.history.note([&] { return text() + " is ready"; });
    ready_ = node_->ready();
    if (!ready_) dying_ = true;
  } else {
    failed(started.error(), "starting");
    dying_ = true;
  }
}

void Machine::failed(const Error& error, const char* what) {
  site_.history.note([&] { return text() + " fails " + what + ": " + describe(error); });
  if (error.code == Code::corrupt || error.code == Code::unsupported_version) {
    site_.history.violated("nothing is found damaged that nobody has damaged", text() + " " + what + ": " + describe(error));
  }
}

void Machine::die(bool power) {
  if (!up_) return;
  site_.history.note([&] { return text() + (power ? " loses its power" : " dies"); });
  up_ = ready_ = dying_ = power_goes_ = log_grew_ = false;
  node_.reset();
  const auto drop_all = [this] {
    scheduler_.home().drop();
    for (auto& [name, queue] : queues_) queue->drop();
  };
  drop_all();
  member_.reset();
  log_.reset();
  drop_all();
  if (power) disk_.crash();
  stores_.crash();
  if (site_.died) site_.died(id_);
}

void Machine::kill_soon(bool power) {
  dying_ = up_;
  power_goes_ = power;
}

void Machine::restart_later() {
  site_.world.after(std::chrono::milliseconds(site_.faults.random().between(20, 1500)), site_.world.network(), [this] { start(); });
}

void Machine::stop(Fn<void()> gone) { spawn(run_stop(std::move(gone))); }

Task<void> Machine::run_stop(Fn<void()> gone) {
  ready_ = false;
  auto task = node_->stop();
  auto stopped = co_await std::move(task);
  if (!stopped) site_.history.violated("a node stops", text() + ": " + describe(stopped.error()));
  gone();
}

void Machine::look() {
  if (!up_) return;
  if (disk_.power_is_off()) {
    die(true);
    return restart_later();
  }
  if (log_grew_) read_new();
  if (dying_) {
    die(power_goes_);
    return restart_later();
  }
}

/// What was durable before is there; then what came with it.
void Machine::check_recovered() {
  const auto topics = log_->topics();
  for (std::size_t t = 0; t < topics.size(); ++t) {
    const log::TopicId id{static_cast<std::uint16_t>(t)};
    for (std::uint32_t lane = 0; lane < log_->lanes(); ++lane) {
      std::vector<Evidence> records;
      const Tmseq first = log_->begin(id, LaneId{lane});
      for (Tmseq at = first; at < log_->end(id, LaneId{lane});) {
        auto batches = log_->read(id, LaneId{lane}, at, kReadBytes);
        if (!batches || batches->empty()) {
          return site_.history.violated("what is durable can be read", topics[t].name + ": " + (batches ? std::string("nothing there") : describe(batches.error())));
        }
        for (const auto& stored : *batches) {
          BatchEvidence batch = read_batch(stored.view());
          if (!batch.wrong.empty()) return site_.history.violated("a stored batch can be read", topics[t].name + ": " + batch.wrong);
          for (Evidence& record : batch.records) {
            if (record.tmseq >= first.value + records.size()) records.push_back(std::move(record));
          }
          at = Tmseq{stored.first.value + stored.count};
        }
      }
      site_.model.recovered(lane, topics[t].name, records, first.value);
    }
  }
}

void Machine::read_new() {
  log_grew_ = false;
  const auto topics = log_->topics();
  for (std::uint32_t lane = 0; lane < log_->lanes(); ++lane) {
    std::vector<std::vector<log::StoredBatch>> held;
    std::vector<AppendedTopic> parts;
    for (std::size_t t = 0; t < topics.size(); ++t) {
      const log::TopicId id{static_cast<std::uint16_t>(t)};
      std::uint64_t at = site_.model.end(topics[t].name, lane);
      while (at < log_->end(id, LaneId{lane}).value) {
        auto batches = log_->read(id, LaneId{lane}, Tmseq{at}, kReadBytes);
        if (!batches || batches->empty()) {
          if (disk_.power_is_off()) return;
          return site_.history.violated("what is durable can be read", topics[t].name + ": " + (batches ? std::string("nothing there") : describe(batches.error())));
        }
        for (const auto& stored : *batches) parts.push_back({topics[t].name, stored.view()});
        at = batches->back().first.value + batches->back().count;
        held.push_back(std::move(*batches));
      }
    }
    if (!parts.empty()) site_.model.appended(lane, parts);
  }
}

bool Machine::caught_up() const {
  if (!ready_) return false;
  if (const auto* log = dynamic_cast<const BrokerLog*>(log_.get()); log != nullptr && !log->sees_all()) return false;
  for (const auto& status : node_->projection_statuses()) {
    if (status.behind > 0 || !status.faults.empty()) return false;
  }
  for (const auto& lane : node_->lane_standings()) {
    if (lane.behind != 0u) return false;
  }
  return true;
}

void Machine::stall(SteadyTime until) {
  if (queues_.empty()) return;
  const std::size_t pick = site_.faults.random().below(queues_.size() + 1);
  if (pick == queues_.size()) return scheduler_.home().stall(until);
  std::next(queues_.begin(), static_cast<std::ptrdiff_t>(pick))->second->stall(until);
}

void Machine::stand_still(SteadyTime until) {
  scheduler_.home().stall(until);
  for (auto& [name, queue] : queues_) queue->stall(until);
}

}  // namespace tidemark::sim
