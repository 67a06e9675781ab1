#include "core/http/live_board.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::http {
namespace {

/// A call of LiveBoardParts::changed under way.
struct Watch {
  bool over = false;
  Fn<void(bool)> waiting;
};

Task<void> watch(std::shared_ptr<Watch> watch, std::function<Task<void>(Duration)> changed, Duration patience) {
  auto changing = changed(patience);
  co_await std::move(changing);
  watch->over = true;
  if (auto waiting = std::exchange(watch->waiting, nullptr)) waiting(true);
}

Callback<bool> end_of(Watch& watch) {
  return Callback<bool>([&watch](Fn<void(bool)> done) {
    if (watch.over) return done(true);
    watch.waiting = std::move(done);
  });
}

}  // namespace

Task<Result<void>> LiveBoard::refresh() {
  try {
    auto reading = parts_.read();
    auto sections = co_await std::move(reading);
    if (!sections.ok()) co_return sections.take_error();
    if (board_.update(std::move(*sections))) wake_all();
    co_return Result<void>();
  } catch (const std::exception& failure) {  // rows that cannot be read; nobody awaits the loop that asks
    co_return make_error(Code::unavailable, failure.what());
  }
}

Task<Result<std::string>> LiveBoard::snapshot() {
  auto refreshing = refresh();
  auto refreshed = co_await std::move(refreshing);
  if (!refreshed.ok()) co_return refreshed.take_error();
  co_return board_.snapshot();
}

Task<Result<Response>> LiveBoard::follow(std::string last_event_id) {
  if (!fresh_ || board_.version() == 0) {
    auto refreshing = refresh();
    auto refreshed = co_await std::move(refreshing);
    if (!refreshed.ok()) co_return refreshed.take_error();
  }
  const std::uint64_t seen = seen_by(last_event_id);
  co_return event_stream_response([board = shared_from_this(), seen](BodyStream& stream) { return board->view(seen, stream); });
}

/// Until the last viewer has gone. A read that fails leaves the board as it was.
Task<void> LiveBoard::keep_fresh() {
  const auto self = shared_from_this();
  while (!viewers_.empty()) {
    // Watched from before the read on, so that nothing falls between the two.
    const auto watched = std::make_shared<Watch>();
    spawn(watch(watched, parts_.changed, parts_.patience));
    auto refreshing = refresh();
    (void)co_await std::move(refreshing);
    auto sleeping = sleep_for(parts_.scheduler, parts_.interval);
    co_await std::move(sleeping);
    auto ending = end_of(*watched);
    co_await std::move(ending);
  }
  fresh_ = false;
}

Task<void> LiveBoard::view(std::uint64_t seen, BodyStream& stream) {
  Viewer viewer;
  const auto wake = [&viewer] {
    if (auto waiting = std::exchange(viewer.waiting, nullptr)) waiting(true);
  };
  const auto place = viewers_.insert(viewers_.end(), &viewer);
  stream.on_close(wake);
  if (!std::exchange(fresh_, true)) spawn(keep_fresh());
  while (!stream.closed()) {
    if (seen != board_.version()) {
      std::string event = event_since(seen);
      seen = board_.version();
      auto writing = stream.write(std::move(event));
      const auto written = co_await std::move(writing);
      if (!written.ok()) break;
      continue;
    }
    Fn<void(Fn<void(bool)>)> wait = [&viewer](Fn<void(bool)> done) { viewer.waiting = std::move(done); };
    Callback<bool> waiting(std::move(wait));
    co_await std::move(waiting);
  }
  stream.on_close(nullptr);
  viewers_.erase(place);
}

/// The version behind that id; 0 when it is none of this board's.
std::uint64_t LiveBoard::seen_by(std::string_view last_event_id) const {
  const auto dash = last_event_id.rfind('-');
  if (dash == std::string_view::npos || last_event_id.substr(0, dash) != parts_.instance) return 0;
  std::uint64_t version = 0;
  const char* const end = last_event_id.data() + last_event_id.size();
  const auto [at, error] = std::from_chars(last_event_id.data() + dash + 1, end, version);
  return error == std::errc() && at == end && version <= board_.version() ? version : 0;
}

std::string LiveBoard::event_since(std::uint64_t seen) {
  if (made_.empty() || made_from_ != seen || made_at_ != board_.version()) {
    auto changes = board_.changes_since(seen);
    ServerSentEvent event;
    event.id = parts_.instance + "-" + std::to_string(board_.version());
    event.event = changes ? "change" : "snapshot";
    event.data = changes ? std::move(*changes) : board_.snapshot();
    made_.clear();
    append_sse(event, made_);
    made_from_ = seen;
    made_at_ = board_.version();
  }
  return made_;
}

void LiveBoard::wake_all() {
  // Each goes on at once, and may leave meanwhile: only itself.
  std::vector<Fn<void(bool)>> waiting;
  for (Viewer* const viewer : viewers_) {
    if (viewer->waiting) waiting.push_back(std::exchange(viewer->waiting, nullptr));
  }
  for (auto& call : waiting) call(true);
}

}  // namespace tidemark::http
