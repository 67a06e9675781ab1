// The handshake of a build's virtual machine: one-time password, token, ready; and what its worker sees of it.

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "core/event/json_writer.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kAuthenticateFailed = "Authentication failed";
constexpr std::string_view kReadyFailed = "Failed to mark VM as ready";
constexpr std::size_t kPasswordBodyBytesMax = 4096;  // its sender has shown nothing yet
constexpr Duration kRevealedAfterEnd = std::chrono::minutes(10);  // a short build may end between two checks of its worker

http::Response refuse(const RefusalSpec& refusal) { return error_answer(refusal.status, refusal.text, refusal.reason); }

http::Response too_many() {
  http::Response response = error_answer(429, "Too many requests", "RATE_LIMITED");
  response.header("Retry-After", "10");
  return response;
}

/// Counts one more of something about a build in the present window; false above `most`. Owner's memory: nothing durable.
bool within_rate(const runtime::OwnerView& view, std::string_view what, std::string_view build_id, std::int64_t most) {
  constexpr std::int64_t kWindowMs = 10'000;
  const std::string key = std::string(what) + '/' + std::string(build_id);
  const std::int64_t window = to_ms(view.now) / kWindowMs;
  const std::int64_t kept = view.memory.get(key).value_or(0);  // the window and its count in one number
  const std::int64_t count = kept / 1'000 == window ? kept % 1'000 : 0;
  if (count >= most) return false;
  view.memory.set(key, window * 1'000 + count + 1);
  return true;
}

constexpr std::int64_t kWrongPasswordsMax = 10;
constexpr std::int64_t kStatusChecksMax = 100;

struct Handshake {
  std::optional<http::Response> refusal;
  std::uint32_t attempt = 0;
};

/// Compares the password with that of the build's present attempt.
Handshake check_password(Api& api, std::string_view build_id, std::string_view password) {
  Handshake out;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    const auto build = find_build(view.state, build_id);
    if (!build) {
      out.refusal = refuse(kBuildNotFound);
    } else if (build->otp_key_id.empty() || !is_active(build->status)) {
      out.refusal = refuse(kOtpNotConfigured);
    } else if (!http::same_secret(password, one_time_password(api, build->otp_key_id, build->id, build->attempt))) {
      out.refusal = within_rate(view, "otp", build->id, kWrongPasswordsMax) ? refuse(kOtpInvalid) : too_many();
    } else {
      out.attempt = build->attempt;
      note_life(view, *build);
    }
  });
  if (!answered) out.refusal = ledger_unavailable(kAuthenticateFailed);
  return out;
}

}  // namespace

Task<http::Response> authenticate(Api& api, http::Request& request) {
  auto body = co_await read_json(request, kPasswordBodyBytesMax);
  if (body->refusal) co_return std::move(*body->refusal);
  const auto password = body->root()["otp"].as_string();
  if (!password || password->empty()) co_return error_answer(400, "Missing required parameter: otp", "OTP_MISSING");
  auto handshake = check_password(api, request.param("id"), *password);
  if (handshake.refusal) co_return std::move(*handshake.refusal);
  AuthenticateVm command;
  command.build_id = request.param("id");
  command.attempt = handshake.attempt;
  command.token_key_id = api.keys().current_mac_key();
  const auto outcome = co_await api.execute(request, command, "vm");
  const auto reply = reply_of<VmTokenReply>(outcome);
  if (!reply) co_return answer_for(outcome, kAuthenticateFailed);
  const std::string token = api.token(reply->token_key_id, kVmTokenPurpose,
                                      {command.build_id, std::to_string(reply->attempt), std::to_string(reply->auth_seq)});
  std::string out;
  event::JsonWriter(out).begin_object().member("vm_token", token)
      .member("expires_at", to_rfc3339(from_ms(reply->vm_token_expires_at))).end_object();
  http::Response response = answer(200, std::move(out));
  response.header("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> vm_ready(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_vm(api, request, request.param("id"), caller, build, kReadyFailed)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  MarkVmReady command;
  command.build_id = build.id;
  command.attempt = build.attempt;
  const auto outcome = co_await api.execute(request, command, caller.actor());
  const auto reply = reply_of<VmReadyReply>(outcome);
  if (!reply) co_return answer_for(outcome, kReadyFailed);
  std::string out;
  event::JsonWriter(out).begin_object().member("success", true).member("vm_ready_at", to_rfc3339(from_ms(reply->vm_ready_at))).end_object();
  co_return answer(200, std::move(out));
}

Task<http::Response> vm_status(Api& api, http::Request& request) {
  std::optional<BuildRow> build;
  bool allowed = true, revealed = false;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    build = find_build(view.state, request.param("id"));
    if (!build) return;
    allowed = within_rate(view, "vm-status", build->id, kStatusChecksMax);
    const bool just_completed = build->status == BuildStatus::completed && to_ms(view.now) - build->completed_at <= kRevealedAfterEnd.count();
    revealed = build->vm_ready_at != 0 && (is_active(build->status) || just_completed);
  });
  if (!answered) co_return ledger_unavailable(kInternalText);
  if (!build) co_return build_not_found();
  if (!allowed) co_return too_many();
  if (!revealed) co_return answer(200, R"({"vm_ready":false})");
  std::string out;
  event::JsonWriter(out).begin_object().member("vm_ready", true).member("vm_token", vm_token(api, *build))
      .member("vm_ready_at", to_rfc3339(from_ms(build->vm_ready_at))).end_object();
  http::Response response = answer(200, std::move(out));
  response.header("Cache-Control", "no-store");
  co_return response;
}

}  // namespace tidemark::commands::builds::endpoint
