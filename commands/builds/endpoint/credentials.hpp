#pragma once
// Who may call what (contract, section 5). Checked before a body is read, answered from the owner's state, compared in
// constant time. Each check gives the refusal to send, or nothing; worker and VM tokens join as further kinds of Caller.

#include <optional>
#include <string>

#include "commands/builds/endpoint/api.hpp"
#include "commands/builds/queries.hpp"

namespace tidemark::commands::builds::endpoint {

/// By what right a request about a build was let in; commands carry it.
struct Caller {
  schemas::builds::Credential credential = schemas::builds::Credential::api_key;
  std::string worker_id;                 ///< as named or proved; empty: whoever owns the build
  std::optional<std::uint32_t> attempt;  ///< of a VM token
  std::string actor() const { return worker_id.empty() ? "api-key" : "worker:" + worker_id; }
};

using Refusal = std::optional<http::Response>;

/// K: the shared API key.
Refusal check_key(Api& api, const http::Request& request);

/// K/BT: the key, or the token of that build. `build` is filled when the build exists.
Refusal check_key_or_build_token(Api& api, const http::Request& request, std::string_view build_id, std::optional<BuildRow>& build);

/// OWN: the key and X-Worker-Id naming the build's present owner, or who had it when it ended. Fills `caller` and `build`.
Refusal check_owner(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build);

/// 404 of a per-build route whose build is unknown.
http::Response build_not_found();

}  // namespace tidemark::commands::builds::endpoint
