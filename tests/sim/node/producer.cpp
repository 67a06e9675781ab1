#include "tests/sim/node/producer.hpp"

namespace tidemark::sim {
namespace {

constexpr std::int64_t kThinkMs = 300;

}  // namespace

void Producer::later() {
  site_.world.after(std::chrono::milliseconds(random_.between(0, kThinkMs)), site_.world.network(), [this] { write(); });
}

void Producer::write() {
  if (left_ == 0) return;
  --left_;
  const Wish wish = workload_.next(random_, name_, number_++);
  log::OwnedRecord record;
  record.value = wish.request.data;
  const std::string source = "/" + name_, id = std::to_string(number_);
  record.headers = {{"ce_specversion", "1.0"}, {"ce_id", id}, {"ce_source", source}, {"ce_type", "tidemark." + wish.request.domain + "." + wish.request.name + ".v1"}};
  record.timestamp_ms = 1'700'000'000'000;
  std::uint32_t lane = lane_of(wish.boundary, site_.lanes).value;
  if (random_.chance(0.2)) lane = static_cast<std::uint32_t>(random_.below(site_.lanes));
  const bool nonsense = random_.chance(0.02);
  if (nonsense) record.value = "{\"nobody\":";
  const std::string topic = wish.request.domain + ".commands";
  const int times = random_.chance(0.15) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    auto copy = record;
    if (!site_.brokers->produce_to(topic, lane, std::move(copy))) {
      // No node has made the topic yet.
      ++left_;
      --number_;
      return later();
    }
  }
  if (!nonsense) undecided_[runtime::command_id_of_cloudevent(source, id)] = wish.request.domain + "." + wish.request.name;
  later();
}

bool Producer::done() {
  std::erase_if(undecided_, [&](const auto& one) { return site_.model.decision(one.first) != nullptr; });
  return left_ == 0 && undecided_.empty();
}

std::string Producer::waits_for() const {
  if (undecided_.empty()) return {};
  return name_ + ": " + undecided_.begin()->second + " " + undecided_.begin()->first + " and " + std::to_string(undecided_.size() - 1) + " more are not decided";
}

}  // namespace tidemark::sim
