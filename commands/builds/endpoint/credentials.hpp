#pragma once
// Who may call what (contract, section 5). Checked before a body is read, answered from the owner's state, compared in
// constant time. Each check gives the refusal to send, or nothing. A token that is presented where a route allows it is what
// counts: the key is not looked at then. `failed` is the route's 500 text, which is that of its 503 as well.

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
  std::string actor() const {
    if (attempt) return "vm";
    return worker_id.empty() ? "api-key" : "worker:" + worker_id;
  }
};

using Refusal = std::optional<http::Response>;

/// K: the shared API key.
Refusal check_key(Api& api, const http::Request& request);

/// K/BT: the key, or the token of that build. `build` is filled when the build exists.
Refusal check_key_or_build_token(Api& api, const http::Request& request, std::string_view build_id, std::optional<BuildRow>& build,
                                 std::string_view failed = kInternalText);

/// WT: a current token of some worker. Fills `worker` and the hash of the token as presented.
struct WorkerCaller {
  WorkerRow worker;
  std::string token_sha256;
};
Refusal check_worker_token(Api& api, const http::Request& request, WorkerCaller& caller,
                           std::string_view failed = kInternalText);
/// Whether a worker token is presented at all.
bool has_worker_token(const http::Request& request);

/// K or WT. With a token the caller is its worker, with the key nobody in particular.
Refusal check_key_or_worker(Api& api, const http::Request& request, Caller& caller,
                            std::string_view failed = kInternalText);

/// VM: the token of the virtual machine of the build's present attempt. A sign of life, and it slides the token's expiry.
Refusal check_vm(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build,
                 std::string_view failed = kInternalText);
bool has_vm_token(const http::Request& request);

/// OWN or VM; what else the route allows is in `allowed`.
enum class OwnerRoute {
  plain,       ///< OWN or VM
  or_worker,   ///< OWN, VM, or a token of the worker in charge
  named_twice  ///< OWN+B or VM: X-Build-Id must name the build as well
};
Refusal check_owner_or_vm(Api& api, const http::Request& request, std::string_view build_id, OwnerRoute allowed, Caller& caller, BuildRow& build,
                          std::string_view failed = kInternalText);

/// OWN: the key and X-Worker-Id naming the build's present owner, or who had it when it ended. Fills `caller` and `build`.
Refusal check_owner(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build,
                    std::string_view failed = kInternalText);

/// 404 of a per-build route whose build is unknown.
http::Response build_not_found();

}  // namespace tidemark::commands::builds::endpoint
