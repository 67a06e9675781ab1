#pragma once
// Queries that must show what their client wrote: `Tidemark-At-Least: <position>` makes a query wait until its model has
// applied that position, 2 s at most or as long as `Prefer: wait=<seconds>` says (up to 30). Any surface may use it.
//
//   auto waiting = honour_at_least(node, tag, request, "builds.by_id");
//   auto refusal = co_await std::move(waiting);
//   if (refusal) co_return std::move(*refusal);

#include <optional>
#include <string>

#include "core/http/http.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

/// How long the client lets a query wait: Prefer (RFC 7240), or 2 s.
Duration patience_of(const http::Request& request);

/// The position in Tidemark-At-Least, empty when there is none. The refusal when it cannot be used:
///   400 position-malformed       no position token, or two
///   400 position-foreign         not made by this installation
///   409 position-of-another-log  it can never come true here
std::optional<http::Response> read_at_least(const http::Request& request, const runtime::PositionTag& tag, const Uuid& epoch,
                                            runtime::Position& out);

/// Waits until the projection has applied `position`. The refusal when it has not: 503 read-model-behind with Retry-After.
Task<std::optional<http::Response>> wait_for_model(runtime::Node& node, std::string projection, runtime::Position position, Duration patience);

/// Both of the above; the headers are read before the task suspends.
Task<std::optional<http::Response>> honour_at_least(runtime::Node& node, const runtime::PositionTag& tag, const http::Request& request,
                                                    std::string projection);

}  // namespace tidemark::api
