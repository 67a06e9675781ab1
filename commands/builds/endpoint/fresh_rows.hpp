#pragma once
// What the routes that read have in common.

#include "commands/builds/endpoint/api.hpp"

namespace tidemark::commands::builds::endpoint {

/// Rows of the model once it shows everything acknowledged so far; nothing when it is behind.
Task<std::shared_ptr<const RowReader>> fresh_rows(Api& api, std::string_view model);

/// The query parameter `limit`; nothing when it is absent or no whole number from 0.
std::optional<std::uint64_t> read_limit(const http::Request& request);

}  // namespace tidemark::commands::builds::endpoint
