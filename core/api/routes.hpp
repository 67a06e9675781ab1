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

http::Route command_route(Shared services);
http::Route topics_route(Shared services);
http::Route records_route(Shared services);

}  // namespace tidemark::api
