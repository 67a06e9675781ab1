#include "commands/builds/endpoint/credentials.hpp"

#include "commands/builds/endpoint/memory.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

std::string_view given(const http::Request& request, std::string_view header) {
  return request.header(header).value_or(std::string_view());
}

bool is_key(const Api& api, std::string_view key) { return http::same_secret(key, api.services.api_key); }

http::Response key_invalid() { return error_answer(403, "Invalid API key", "API_KEY_INVALID"); }

}  // namespace

Refusal check_key(Api& api, const http::Request& request) {
  const auto key = given(request, "X-API-Key");
  if (key.empty()) return error_answer(401, "Missing X-API-Key header", "API_KEY_MISSING");
  if (!is_key(api, key)) return key_invalid();
  return std::nullopt;
}

Refusal check_key_or_build_token(Api& api, const http::Request& request, std::string_view build_id, std::optional<BuildRow>& build) {
  const auto key = given(request, "X-API-Key");
  const auto token = given(request, "X-Build-Token");
  const bool key_is_good = !key.empty() && is_key(api, key);
  if (!key_is_good && token.empty()) {
    return key.empty() ? error_answer(401, "Missing X-API-Key or X-Build-Token header", "BUILD_CREDENTIAL_MISSING") : key_invalid();
  }
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) { build = find_build(view.state, build_id); });
  if (!answered) return ledger_unavailable(kInternalText);
  if (key_is_good) return std::nullopt;
  // The hash is made for an unknown build too, so that the time taken says nothing about it.
  const auto hash = schemas::builds::token_hash(token);
  if (!build || !is_access_token(*build, hash)) {
    return error_answer(403, "Invalid or expired build token", "BUILD_TOKEN_INVALID");
  }
  return std::nullopt;
}

Refusal check_owner(Api& api, const http::Request& request, std::string_view build_id, Caller& caller, BuildRow& build) {
  if (auto refusal = check_key(api, request)) return refusal;
  const auto worker = given(request, "X-Worker-Id");
  if (worker.empty()) return error_answer(401, "Missing X-Worker-Id header", "WORKER_ID_MISSING");
  std::optional<BuildRow> found;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    found = find_build(view.state, build_id);
    if (!found || owner_of(*found) != worker) return;
    note_life(view, *found);
  });
  if (!answered) return ledger_unavailable(kInternalText);
  if (!found) return build_not_found();
  if (owner_of(*found) != worker) return error_answer(403, "Worker not authorized for this build", "NOT_BUILD_OWNER");
  caller.worker_id = worker;
  build = std::move(*found);
  return std::nullopt;
}

http::Response build_not_found() {
  return error_answer(404, schemas::builds::kBuildNotFound.text, schemas::builds::kBuildNotFound.reason);
}

}  // namespace tidemark::commands::builds::endpoint
