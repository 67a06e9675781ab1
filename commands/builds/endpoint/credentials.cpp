#include "commands/builds/endpoint/credentials.hpp"

#include "commands/builds/endpoint/memory.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

std::string_view given(const http::Request& request, std::string_view header) {
  return request.header(header).value_or(std::string_view());
}

bool is_key(const Api& api, std::string_view key) { return http::same_secret(key, api.services.api_key); }

constexpr std::string_view kNotAuthorized = "Worker not authorized for this build";

/// Whether `worker` has the build in hand, or had it when it ended; then this call is a sign of its life.
Refusal check_ownership(Api& api, std::string_view build_id, std::string_view worker, schemas::builds::Credential credential,
                        std::string_view not_owner, Caller& caller, BuildRow& build, std::string_view failed) {
  std::optional<BuildRow> found;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    found = find_build(view.state, build_id);
    if (!found || owner_of(*found) != worker) return;
    note_life(view, *found);
  });
  if (!answered) return ledger_unavailable(failed);
  if (!found) return build_not_found();
  if (owner_of(*found) != worker) return error_answer(403, not_owner, "NOT_BUILD_OWNER");
  caller.credential = credential;
  caller.worker_id = worker;
  build = std::move(*found);
  return std::nullopt;
}

http::Response key_invalid() { return error_answer(403, "Invalid API key", "API_KEY_INVALID"); }

}  // namespace

Refusal check_key(Api& api, const http::Request& request) {
  const auto key = given(request, "X-API-Key");
  if (key.empty()) return error_answer(401, "Missing X-API-Key header", "API_KEY_MISSING");
  if (!is_key(api, key)) return key_invalid();
  return std::nullopt;
}

Refusal check_key_or_build_token(Api& api, const http::Request& request, std::string_view build_id, std::optional<BuildRow>& build,
                                 std::string_view failed) {
  const auto key = given(request, "X-API-Key");
  const auto token = given(request, "X-Build-Token");
  const bool key_is_good = !key.empty() && is_key(api, key);
  if (!key_is_good && token.empty()) {
    return key.empty() ? error_answer(401, "Missing X-API-Key or X-Build-Token header", "BUILD_CREDENTIAL_MISSING") : key_invalid();
  }
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) { build = find_build(view.state, build_id); });
  if (!answered) return ledger_unavailable(failed);
  if (key_is_good) return std::nullopt;
  // The hash is made for an unknown build too, so that the time taken says nothing about it.
  const auto hash = schemas::builds::token_hash(token);
  if (!build || !is_access_token(*build, hash)) {
    return error_answer(403, "Invalid or expired build token", "BUILD_TOKEN_INVALID");
  }
  return std::nullopt;
}

Refusal check_owner(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build,
                    std::string_view failed) {
  if (auto refusal = check_key(api, request)) return refusal;
  const auto worker = given(request, "X-Worker-Id");
  if (worker.empty()) return error_answer(401, "Missing X-Worker-Id header", "WORKER_ID_MISSING");
  return check_ownership(api, build_id, worker, schemas::builds::Credential::api_key, kNotAuthorized, caller, build, failed);
}

bool has_worker_token(const http::Request& request) { return !given(request, "X-Worker-Token").empty(); }
bool has_vm_token(const http::Request& request) { return !given(request, "X-VM-Token").empty(); }

Refusal check_worker_token(Api& api, const http::Request& request, WorkerCaller& caller, std::string_view failed) {
  const auto refused = error_answer(schemas::builds::kWorkerTokenInvalid.status, schemas::builds::kWorkerTokenInvalid.text,
                                    schemas::builds::kWorkerTokenInvalid.reason);
  if (!has_worker_token(request)) return refused;
  caller.token_sha256 = schemas::builds::token_hash(given(request, "X-Worker-Token"));
  std::optional<WorkerRow> worker;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    worker = worker_by_token(view.state, caller.token_sha256, view.now);
    if (worker) note_contact(view, worker->id);
  });
  if (!answered) return ledger_unavailable(failed);
  if (!worker) return refused;
  caller.worker = std::move(*worker);
  return std::nullopt;
}

Refusal check_key_or_worker(Api& api, const http::Request& request, Caller& caller, std::string_view failed) {
  if (!has_worker_token(request)) return check_key(api, request);
  WorkerCaller worker;
  if (auto refusal = check_worker_token(api, request, worker, failed)) return refusal;
  caller.credential = schemas::builds::Credential::worker_token;
  caller.worker_id = worker.worker.id;
  return std::nullopt;
}

Refusal check_vm(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build,
                 std::string_view failed) {
  const auto token = given(request, "X-VM-Token");
  std::optional<BuildRow> found;
  std::optional<http::Response> refusal;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    found = find_build(view.state, build_id);
    if (!found || token.empty()) return;
    if (found->auth_seq == 0) {
      refusal = error_answer(schemas::builds::kVmTokenNotIssued.status, schemas::builds::kVmTokenNotIssued.text,
                             schemas::builds::kVmTokenNotIssued.reason);
      return;
    }
    std::optional<Time> last_use;
    if (const auto used = view.memory.get(vm_use_key(found->id))) last_use = from_ms(*used);
    if (!vm_token_alive(*found, last_use, view.now, api.settings())) {
      refusal = error_answer(403, "VM token expired", "VM_TOKEN_EXPIRED");
    } else if (!http::same_secret(token, vm_token(api, *found))) {
      refusal = error_answer(schemas::builds::kVmTokenInvalid.status, schemas::builds::kVmTokenInvalid.text,
                             schemas::builds::kVmTokenInvalid.reason);
    } else {
      view.memory.set(vm_use_key(found->id), to_ms(view.now));
      note_life(view, *found);
    }
  });
  if (!answered) return ledger_unavailable(failed);
  if (!found) return build_not_found();
  if (token.empty()) return error_answer(401, "Missing X-VM-Token header", "VM_TOKEN_MISSING");
  if (refusal) return refusal;
  caller.credential = schemas::builds::Credential::vm_token;
  caller.worker_id = owner_of(*found);
  caller.attempt = found->attempt;
  build = std::move(*found);
  return std::nullopt;
}

Refusal check_owner_or_vm(Api& api, const http::Request& request, std::string_view build_id, OwnerRoute allowed, Caller& caller, BuildRow& build,
                          std::string_view failed) {
  if (has_vm_token(request)) return check_vm(api, request, build_id, caller, build, failed);
  if (allowed == OwnerRoute::or_worker && has_worker_token(request)) {
    WorkerCaller worker;
    if (auto refusal = check_worker_token(api, request, worker, failed)) return refusal;
    return check_ownership(api, build_id, worker.worker.id, schemas::builds::Credential::worker_token, kNotAuthorized, caller, build, failed);
  }
  if (allowed != OwnerRoute::named_twice) return check_owner(api, request, build_id, caller, build, failed);
  if (auto refusal = check_key(api, request)) return refusal;
  const auto worker = given(request, "X-Worker-Id");
  const auto named = given(request, "X-Build-Id");
  if (worker.empty()) return error_answer(401, "Missing X-Worker-Id header", "WORKER_ID_MISSING");
  if (named.empty()) return error_answer(401, "Missing X-Build-Id header", "BUILD_ID_HEADER_MISSING");
  if (named != build_id) return error_answer(403, "X-Build-Id header does not match build ID in URL", "BUILD_ID_HEADER_MISMATCH");
  return check_ownership(api, build_id, worker, schemas::builds::Credential::api_key, "Worker not assigned to this build", caller, build,
                         failed);
}

http::Response build_not_found() {
  return error_answer(404, schemas::builds::kBuildNotFound.text, schemas::builds::kBuildNotFound.reason);
}

}  // namespace tidemark::commands::builds::endpoint
