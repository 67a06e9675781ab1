#include "ops/cli/relayed.hpp"

#include "core/observe/log.hpp"
#include "ops/cli/not_ready.hpp"

namespace tidemark::cli {
namespace {

/// What the surface says of a request that could not be passed on, or whose body could not be read.
http::Response refusal(const http::Surface& surface, const Error& error) {
  using http::Fault;
  if (error.code == Code::exhausted) return surface.fault(Fault::body_too_large, error.message, {});
  if (error.code == Code::invalid_argument) return surface.fault(Fault::bad_request, error.message, {});
  observe::warning("request not passed on", {{"code", name_of(error.code)}, {"reason", error.message}});
  return not_ready(surface.fault(Fault::overloaded, "The node that has to answer this cannot be reached", {}));
}

bool owned_here(runtime::Node& node, std::string_view domain, std::string_view boundary) {
  return node.owner_call(domain, boundary, [](const runtime::OwnerView&) {}).ok();
}

Task<http::Response> pass_on(std::shared_ptr<const RelayPlace> place, std::shared_ptr<const http::Surface> surface, std::string url, http::Request& request) {
  auto passing = place->relay.pass_on(request, surface->name, std::move(url));
  auto answer = co_await std::move(passing);
  if (answer.ok()) co_return std::move(*answer);
  http::Response refused = refusal(*surface, answer.error());
  co_return refused;
}

}  // namespace

http::Surface relayed(http::Surface surface, std::string domain, const DomainInstance& instance, std::shared_ptr<const RelayPlace> place) {
  const auto manners = std::make_shared<http::Surface>();
  manners->name = surface.name;
  manners->fault = surface.fault;
  for (http::Route& route : surface.routes) {
    const auto boundary = instance.boundary(route);
    if (!boundary) continue;
    route.handler = [place, manners, domain, boundary = *boundary, inner = std::move(route.handler)](http::Request& request) -> Task<http::Response> {
      if (request.header(http::kRelayedField) || owned_here(place->node, domain, boundary)) return inner(request);
      auto owner = place->directory.owner_of(lane_of(boundary, place->node.log().lanes()));
      if (!owner || owner->is_self || owner->url.empty()) return inner(request);
      return pass_on(place, manners, std::move(owner->url), request);
    };
  }
  return surface;
}

}  // namespace tidemark::cli
