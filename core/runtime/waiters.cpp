#include "core/runtime/waiters.hpp"

namespace tidemark::runtime {

OwnerWaiters::~OwnerWaiters() {
  *alive_ = false;
  for (auto& [key, boundary] : boundaries_) {
    for (auto& [id, waiter] : boundary.waiters) scheduler_.cancel(waiter.deadline);
  }
}

std::optional<Result<void>> OwnerWaiters::look(const Key& key, const Wanted& wanted) const {
  bool is_so = false;
  auto read = read_(key.first, key.second, [&](const OwnerView& view) { is_so = wanted(view); });
  if (!read || is_so) return read;
  return std::nullopt;
}

void OwnerWaiters::add(std::size_t domain, std::string boundary, SteadyTime deadline, Wanted wanted, Fn<void(Result<void>)> done) {
  const Key key{domain, std::move(boundary)};
  if (auto now = look(key, wanted)) return done(std::move(*now));
  if (count_ >= waiters_max_) return done(make_error(Code::unavailable, "too many wait for state of this lane"));
  const std::uint64_t id = next_id_++;
  ++count_;
  Waiter& waiter = boundaries_[key].waiters[id];
  waiter.wanted = std::move(wanted);
  waiter.done = std::move(done);
  waiter.deadline = scheduler_.at(deadline, [this, key, id] { expire(key, id); });
}

void OwnerWaiters::changed(std::size_t domain, std::string_view boundary) {
  if (count_ == 0) return;
  const auto found = boundaries_.find(Key{domain, boundary});
  if (found == boundaries_.end() || std::exchange(found->second.looking, true)) return;
  scheduler_.post([this, alive = alive_, key = found->first] { if (*alive) look_again(key); });
}

void OwnerWaiters::look_again(const Key& key) {
  const auto found = boundaries_.find(key);
  if (found == boundaries_.end()) return;
  found->second.looking = false;
  std::vector<std::pair<Fn<void(Result<void>)>, Result<void>>> ended;
  auto& waiters = found->second.waiters;
  for (auto at = waiters.begin(); at != waiters.end();) {
    auto result = look(key, at->second.wanted);
    if (!result) {
      ++at;
      continue;
    }
    scheduler_.cancel(at->second.deadline);
    ended.emplace_back(std::move(at->second.done), std::move(*result));
    at = waiters.erase(at);
    --count_;
  }
  if (waiters.empty()) boundaries_.erase(found);
  for (auto& [done, result] : ended) done(std::move(result));  // may add waiters, so only now
}

void OwnerWaiters::expire(const Key& key, std::uint64_t id) {
  const auto found = boundaries_.find(key);
  auto waiter = found->second.waiters.extract(id);
  if (found->second.waiters.empty()) boundaries_.erase(found);
  --count_;
  waiter.mapped().done(make_error(Code::timed_out, "the state did not become as wanted in time"));
}

void OwnerWaiters::end_all(const Error& error) {
  auto boundaries = std::exchange(boundaries_, {});
  count_ = 0;
  for (auto& [key, boundary] : boundaries) {
    for (auto& [id, waiter] : boundary.waiters) {
      scheduler_.cancel(waiter.deadline);
      waiter.done(error);
    }
  }
}

}  // namespace tidemark::runtime
