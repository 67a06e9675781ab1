// What anyone may ask.

#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/queries.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::commands::builds::endpoint {

Task<http::Response> health(Api& api, http::Request&) {
  TotalsRow sums;
  // Local state and nothing that waits: load balancers ask this often.
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) { sums = totals(view.state); });
  if (!answered) co_return ledger_unavailable("Service unavailable");
  const std::int64_t active = sums.assigned + sums.building;
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("status", "ok").key("queue").begin_object().member("pending", sums.pending);
  json.member("active", active).member("total", sums.pending + active).end_object();
  json.key("storage").begin_object().member("path", "storage").member("exists", true).end_object().end_object();
  co_return answer(200, std::move(out));
}

}  // namespace tidemark::commands::builds::endpoint
