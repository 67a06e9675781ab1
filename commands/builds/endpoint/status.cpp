#include "commands/builds/endpoint/status.hpp"

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/live_progress.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/endpoint/status_board.hpp"
#include "projections/builds/status_model.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

namespace model = projections::builds;
namespace render = projections::builds::endpoint;

constexpr Duration kOnlineWithin = std::chrono::seconds(120);
constexpr Duration kWithoutOwner = std::chrono::seconds(1);

Task<Result<std::vector<http::BoardSection>>> read_board(std::shared_ptr<Api> api) {
  bool shown = co_await api->wait_for_model(model::BuildsModel::kName);
  if (shown) shown = co_await api->wait_for_model(model::StatusModel::kName);
  if (!shown) co_return make_error(Code::unavailable, "the read models are behind");
  const auto builds = api->node().projection_snapshot(model::BuildsModel::kName);
  const auto status = api->node().projection_snapshot(model::StatusModel::kName);
  const Time now = api->node().scheduler().wall();
  std::vector<http::BoardSection> sections;
  const bool owned = api->owner_call([&](const runtime::OwnerView& view) {
    render::LiveSigns signs;
    signs.build_seen = [&](std::string_view build) { return view.memory.get(seen_key(build)); };
    signs.worker_contact = [&](std::string_view worker) { return view.memory.get(contact_key(worker)); };
    signs.progress = [&](std::string_view build, std::uint32_t attempt) { return known_progress(view.memory.get(progress_key(build)), attempt); };
    signs.stage = [&](std::string_view build, std::uint32_t attempt) { return known_stage(view.memory.get(stage_key(build)), attempt); };
    signs.workers_online = nodes_online(view.state, view.now, view.lane_taken, kOnlineWithin, signs.worker_contact);
    sections = render::status_sections(*status, *builds, signs, now);
  });
  if (!owned) co_return make_error(Code::unavailable, "this node does not own the pool");
  co_return sections;
}

/// A change of the pool's state or of the owner's memory.
Task<void> wait_for_change(std::shared_ptr<Api> api, Duration patience) {
  auto& scheduler = api->node().scheduler();
  std::function<bool(const runtime::OwnerView&)> second_look = [looks = 0](const runtime::OwnerView&) mutable { return looks++ > 0; };
  auto waiting = api->node().wait_owner(std::string(kDomain), std::string(schemas::builds::kDefaultPool), scheduler.now() + patience,
                                        std::move(second_look));
  const auto waited = co_await std::move(waiting);
  if (waited.ok() || waited.error().code == Code::timed_out) co_return;
  auto sleeping = sleep_for(scheduler, kWithoutOwner);
  co_await std::move(sleeping);
}

}  // namespace

std::shared_ptr<http::LiveBoard> make_status_board(std::shared_ptr<Api> api) {
  auto& scheduler = api->node().scheduler();
  const std::uint64_t high = scheduler.random();
  http::LiveBoardParts parts{.scheduler = scheduler, .instance = to_string(make_uuid_v7(scheduler.wall(), high, scheduler.random())),
                             .read = [api] { return read_board(api); },
                             .changed = [api](Duration patience) { return wait_for_change(api, patience); }};
  return std::make_shared<http::LiveBoard>(std::move(parts));
}

Task<http::Response> status(Api& api, http::LiveBoard& board, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  auto reading = board.snapshot();
  auto snapshot = co_await std::move(reading);
  if (!snapshot.ok()) co_return ledger_unavailable(kInternalText);
  co_return answer(200, std::move(*snapshot));
}

Task<http::Response> status_stream(Api& api, http::LiveBoard& board, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  auto following = board.follow(std::string(request.header("Last-Event-ID").value_or("")));
  auto stream = co_await std::move(following);
  if (!stream.ok()) co_return ledger_unavailable(kInternalText);
  co_return std::move(*stream);
}

}  // namespace tidemark::commands::builds::endpoint
