#pragma once
// The status page's data: one board for all who look.

#include <memory>

#include "commands/builds/endpoint/api.hpp"
#include "core/http/live_board.hpp"

namespace tidemark::commands::builds::endpoint {

/// Follows the read models, and what the owner's memory knows of builds under way.
std::shared_ptr<http::LiveBoard> make_status_board(std::shared_ptr<Api> api);

Task<http::Response> status(Api& api, http::LiveBoard& board, http::Request& request);         ///< GET /api/status
Task<http::Response> status_stream(Api& api, http::LiveBoard& board, http::Request& request);  ///< GET /api/status/stream

}  // namespace tidemark::commands::builds::endpoint
