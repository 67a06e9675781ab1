#include "core/runtime/lane_follower.hpp"

#include "core/runtime/state_fold.hpp"

namespace tidemark::runtime {

void LaneFollower::catch_up(Fn<void(Result<void>)> done) {
  // A round under way may have passed what has come since: those who ask now wait for the next one.
  next_round_.push_back(std::move(done));
  if (!busy_) begin_round();
}

void LaneFollower::stop(Fn<void()> done) {
  stopping_ = true;
  if (!busy_) return done();
  stopped_ = std::move(done);
}

void LaneFollower::begin_round() {
  busy_ = true;
  this_round_ = std::exchange(next_round_, {});
  fold_next(0);
}

Result<bool> LaneFollower::behind(std::size_t domain) const {
  const DomainRuntime& runtime = parts_.domains[domain];
  auto stored = runtime.state->checkpoints();
  if (!stored) return stored.take_error();
  for (const auto& topic : runtime.topics) {
    const auto at = stored->find(store::CheckpointKey{topic.spec.name, lane_});
    const Tmseq next = at == stored->end() ? Tmseq{0} : at->second.next;
    const Tmseq end = parts_.log.end(topic.id, lane_);
    // What retention has cut need not be folded.
    if (next < end && parts_.log.begin(topic.id, lane_) < end) return true;
  }
  return false;
}

void LaneFollower::fold_next(std::size_t domain) {
  if (stopping_) return end_round(make_error(Code::cancelled, "the node is stopping"));
  for (; domain < parts_.domains.size(); ++domain) {
    const auto wanted = behind(domain);
    if (!wanted) return end_round(wanted.error());
    if (!*wanted) continue;
    parts_.executor(domain).post([this, alive = alive_, domain, lane = lane_, runtime = &parts_.domains[domain], log = &parts_.log,
                                  window = parts_.idempotency_window, home = &parts_.home] {
      auto slice = fold_slice(*runtime, *log, lane, window);
      home->post([this, alive, domain, slice = std::move(slice)]() mutable {
        if (*alive) write(domain, std::move(slice));
      });
    });
    return;
  }
  end_round({});
}

void LaneFollower::write(std::size_t domain, Result<FoldedSlice> slice) {
  if (!slice) return end_round(slice.take_error());
  if (slice->records > 0) {
    if (auto written = parts_.domains[domain].state->write(slice->changes, slice->checkpoints); !written) return end_round(written.take_error());
    parts_.state_written(domain);
    if (parts_.heard && !slice->heard.empty()) parts_.heard(domain, lane_, slice->heard);
  }
  // A slice without records: what looked behind was cut meanwhile.
  fold_next(slice->records > 0 ? domain : domain + 1);
}

void LaneFollower::end_round(Result<void> result) {
  const auto alive = alive_;
  auto answered = std::exchange(this_round_, {});
  busy_ = false;
  if (!next_round_.empty() && result.ok()) begin_round();
  else for (auto& done : std::exchange(next_round_, {})) answered.push_back(std::move(done));
  for (auto& done : answered) {
    if (!*alive) return;
    done(result.ok() ? Result<void>() : Result<void>(result.error()));
  }
  if (*alive && stopped_ && !busy_) std::exchange(stopped_, nullptr)();
}

}  // namespace tidemark::runtime
