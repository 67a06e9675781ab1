#pragma once
// The handlers behind platform_surface.hpp, and what they share.

#include <memory>
#include <optional>
#include <string>

#include "core/api/platform_surface.hpp"

namespace tidemark::api {

using Shared = std::shared_ptr<const PlatformServices>;

/// The refusal of a request without the operator key, or nothing. Constant time in the key.
std::optional<http::Response> refuse_stranger(const PlatformServices& services, const http::Request& request);

/// A problem document of ours: `name` is the last part of the type, "/problems/<name>".
http::Response problem(int status, std::string_view name, std::string title, std::string detail,
                       std::vector<std::pair<std::string, std::string>> members = {});

/// A decimal number without sign that fits.
std::optional<std::uint64_t> parse_number(std::string_view text);
/// Replaces the header of that name, or adds it.
void set_header(http::Response& response, std::string_view name, std::string value);
/// nullptr when there is none.
const runtime::Domain* find_domain(runtime::Node& node, std::string_view name);
std::optional<log::TopicId> topic_id(log::EventLog& log, std::string_view name);

http::Route command_route(Shared services);   ///< POST /commands/:domain/:command
http::Route commands_route(Shared services);  ///< POST /commands
/// The answer to a batch, for commands_route(); the sender is checked already.
Task<http::Response> command_batch(Shared services, http::Request& request);
http::Route decision_route(Shared services);         ///< GET /decisions/:id
http::Route stream_by_path_route(Shared services);   ///< GET /streams/:domain/:subject
http::Route stream_by_query_route(Shared services);  ///< GET /streams/:domain?subject=
http::Route events_route(Shared services);           ///< GET /events
/// GET /projections, GET /projections/:name and POST /projections/:name/{retry,skip,rebuild}
std::vector<http::Route> projection_routes(Shared services);
http::Route health_route(Shared services);           ///< GET /health
http::Route cluster_route(Shared services);          ///< GET /cluster
http::Route topics_route(Shared services);
/// Without `with_key` anybody may ask.
http::Route metrics_route(Shared services, bool with_key);
http::Route records_route(Shared services);
http::Route signing_secret_route(Shared services);   ///< GET /signing-secrets/:name

}  // namespace tidemark::api
