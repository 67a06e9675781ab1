// Figures for the landing page: anyone may ask, so they are made at most once in a while.

#include "commands/builds/endpoint/fresh_rows.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/queries.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/cpu_model.hpp"
#include "projections/builds/endpoint/render.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr Duration kOnlineWithin = std::chrono::seconds(120);
constexpr Duration kKeptFor = std::chrono::seconds(10);

}  // namespace

Task<http::Response> public_stats(Api& api, http::Request&) {
  const SteadyTime now = api.node().scheduler().now();
  if (!api.stats.json.empty() && now < api.stats.made + kKeptFor) co_return answer(200, api.stats.json);
  std::int64_t online = 0;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    const auto contact = [&](std::string_view worker_id) { return view.memory.get(contact_key(worker_id)); };
    online = nodes_online(view.state, view.now, view.lane_taken, kOnlineWithin, contact);
  });
  if (!answered) co_return ledger_unavailable(kInternalText);
  const auto builds = co_await fresh_rows(api, projections::builds::BuildsModel::kName);
  const auto samples = co_await fresh_rows(api, projections::builds::CpuModel::kName);
  if (!builds || !samples) co_return ledger_unavailable(kInternalText);
  api.stats = {projections::builds::endpoint::public_stats_json(*builds, *samples, online, api.node().scheduler().wall()), now};
  co_return answer(200, api.stats.json);
}

}  // namespace tidemark::commands::builds::endpoint
