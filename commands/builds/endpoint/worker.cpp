// A worker's life: register, poll, unregister.

#include <cmath>

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/intake.hpp"
#include "commands/builds/endpoint/json_values.hpp"
#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/rules.hpp"
#include "core/event/json_writer.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::size_t kOpenRegistrationBytesMax = 64u << 10;  // its sender need not have a key

std::string base_image_id(const Api& api) { return api.services.base_image_id.value_or(kDefaultBaseImageId); }

http::Response worker_not_found() { return error_answer(404, kWorkerNotFound.text, kWorkerNotFound.reason); }

void write_job(const Api& api, const Job& job, bool by_token, event::JsonWriter& json) {
  const std::string path = "/api/builds/" + job.build_id;
  json.begin_object().member("id", job.build_id).member("platform", name_of(job.platform)).member("source_url", path + "/source");
  json.key("certs_url");
  if (job.has_certs) json.value(path + "/certs");
  else json.null();
  if (by_token) {
    json.member("submitted_at", to_rfc3339(from_ms(job.submitted_at))).member("otp", one_time_password(api, job.otp_key_id, job.build_id, job.attempt));
    // Token clients ship a newer default than ours and take what they are told.
    if (api.services.base_image_id) json.member("baseImageId", *api.services.base_image_id);
  } else {
    json.member("baseImageId", base_image_id(api));
  }
  json.end_object();
}

std::string poll_answer(const Api& api, const PollReply& reply, const std::string& worker_id, bool by_token) {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().key("job");
  if (reply.job) write_job(api, *reply.job, by_token, json);
  else json.null();
  if (by_token) json.member("access_token", api.token(reply.token_key_id, kWorkerTokenPurpose, {worker_id, reply.token_nonce}));
  json.end_object();
  return out;
}

std::string unregistered_answer(const UnregisteredReply& reply) {
  std::string out;
  event::JsonWriter(out).begin_object().member("success", true).member("message", "Worker unregistered")
      .member("builds_reassigned", reply.builds_reassigned).end_object();
  return out;
}

Task<http::Response> take_offline(Api& api, http::Request& request, std::string worker_id) {
  UnregisterWorker command;
  command.worker_id = std::move(worker_id);
  const std::string actor = "worker:" + command.worker_id;
  const auto outcome = co_await api.execute(request, command, actor);
  const auto reply = reply_of<UnregisteredReply>(outcome);
  if (!reply) co_return answer_for(outcome);
  co_return answer(200, unregistered_answer(*reply));
}

/// Who polls, and by what right.
struct Poller {
  std::optional<http::Response> refusal;
  PollForJob command;
  CommandName name;
};

Poller identify_poller(Api& api, const http::Request& request) {
  Poller out;
  PollForJob& command = out.command;
  if (has_worker_token(request)) {
    WorkerCaller caller;
    out.refusal = check_worker_token(api, request, caller);
    if (out.refusal) return out;
    command.worker_id = caller.worker.id;
    command.credential = Credential::worker_token;
    command.token_sha256 = caller.token_sha256;
    out.name = name_command(api, request, "poll/" + command.worker_id);
    command.next_token_key_id = api.keys().current_mac_key();
    command.next_token_sha256 = token_hash(api.token(*command.next_token_key_id, kWorkerTokenPurpose, {command.worker_id, out.name.id}));
    return out;
  }
  out.refusal = check_key(api, request);
  if (out.refusal) return out;
  command.worker_id = request.query("worker_id").value_or("");
  if (command.worker_id.empty()) out.refusal = error_answer(400, "worker_id required", "WORKER_ID_REQUIRED");
  return out;
}

}  // namespace

Task<http::Response> register_worker(Api& api, http::Request& request) {
  if (!api.services.open_registration) {
    if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  }
  const std::size_t bytes_max = api.services.open_registration ? kOpenRegistrationBytesMax : kTextFieldBytesMax;
  auto body = co_await read_json(request, bytes_max);
  if (body->refusal) co_return std::move(*body->refusal);
  const event::JsonNode root = body->root();
  if (!is_given(root["name"]) || !is_given(root["capabilities"])) {
    co_return error_answer(400, kNameOrCapabilitiesMissing.text, kNameOrCapabilitiesMissing.reason);
  }
  CommandName name = name_command(api, request, "register");
  RegisterWorker command;
  command.name = text_of(root["name"]);
  command.capabilities.raw = compact_json(root["capabilities"]);
  if (const auto count = number_of(root["active_build_count"]); count && std::abs(*count) < 1e9) {
    command.active_build_count = static_cast<std::int64_t>(*count);
  }
  if (is_given(root["publicIdentifier"])) command.public_identifier = text_of(root["publicIdentifier"]);
  command.worker_id = is_given(root["id"]) ? text_of(root["id"]) : derive_worker_id(name.id);
  command.token_key_id = api.keys().current_mac_key();
  command.token_sha256 = token_hash(api.token(command.token_key_id, kWorkerTokenPurpose, {*command.worker_id, name.id}));

  const std::string actor = "worker:" + *command.worker_id;
  const auto outcome = co_await api.execute(request, command, actor, std::move(name));
  const auto reply = reply_of<RegisteredReply>(outcome);
  if (!reply) co_return answer_for(outcome);
  api.owner_call([&](const runtime::OwnerView& view) { note_contact(view, reply->worker_id); });
  std::string out;
  event::JsonWriter(out).begin_object().member("id", reply->worker_id)
      .member("status", reply->reregistered ? "re-registered" : "registered").member("baseImageId", base_image_id(api))
      .member("access_token", api.token(reply->token_key_id, kWorkerTokenPurpose, {reply->worker_id, reply->token_nonce}))
      .member("message", reply->reregistered ? "Worker re-registered successfully" : "Worker registered successfully").end_object();
  co_return answer(200, std::move(out));
}

Task<http::Response> poll(Api& api, http::Request& request) {
  const metrics::Stopwatch asked = api.metrics.asked_for_work();
  Poller poller = identify_poller(api, request);
  if (poller.refusal) co_return std::move(*poller.refusal);
  PollForJob& command = poller.command;
  command.otp_key_id = api.keys().current_mac_key();
  bool known = false;
  std::optional<PollReply> idle;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    known = find_worker(view.state, command.worker_id).has_value();
    if (!known) return;
    if (request.method() != http::Method::head) note_contact(view, command.worker_id);
    if (const auto build = active_build_of(view.state, command.worker_id)) command.last_sign_at = view.memory.get(seen_key(build->id));
    idle = idle_poll(view.state, command, Context{view.now, view.lane_taken, poller.name.id, {}, kDefaultPool}, api.settings());
  });
  if (!answered) co_return ledger_unavailable(kInternalText);
  if (!known) co_return worker_not_found();
  const bool by_token = command.credential == Credential::worker_token;
  // HEAD changes nothing: it is told what a poll without a job is, and its token stays as it is.
  if (!idle && request.method() == http::Method::head) idle = PollReply{.job = {}, .token_key_id = command.otp_key_id, .token_nonce = poller.name.id};
  // Most polls: what the owner holds is the answer, nothing need be decided.
  if (idle) co_return answer(200, poll_answer(api, *idle, command.worker_id, by_token));

  const std::string actor = "worker:" + command.worker_id;
  // Without waiting for read models: a poll shows what the owner holds, and whoever reads a model waits for it himself.
  const auto outcome = co_await api.decide(request, command, actor, std::move(poller.name));
  const auto reply = reply_of<PollReply>(outcome);
  if (!reply) co_return answer_for(outcome);
  if (reply->job && outcome.kind == runtime::Outcome::Kind::accepted) asked.stop();
  co_return answer(200, poll_answer(api, *reply, command.worker_id, by_token));
}

Task<http::Response> unregister_worker(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  auto leaving = take_offline(api, request, std::string(request.param("id")));
  co_return co_await std::move(leaving);
}

Task<http::Response> unregister_self(Api& api, http::Request& request) {
  WorkerCaller caller;
  if (auto refusal = check_worker_token(api, request, caller)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  auto leaving = take_offline(api, request, caller.worker.id);
  co_return co_await std::move(leaving);
}

Task<http::Response> abandon(Api& api, http::Request& request) {
  WorkerCaller caller;
  if (auto refusal = check_worker_token(api, request, caller)) co_return std::move(*refusal);
  auto body = co_await read_json(request, 2 * kTextFieldBytesMax);
  if (body->refusal) co_return std::move(*body->refusal);
  const event::JsonNode root = body->root();
  const auto build_id = root["build_id"].as_string();
  if (!build_id || build_id->empty()) co_return error_answer(400, "build_id required");
  // A worker may name itself, and nobody else.
  const auto named = root["worker_id"].as_string();
  AbandonBuild command;
  command.build_id = *build_id;
  command.worker_id = caller.worker.id;
  command.reason = cut_text(std::string(root["reason"].as_string().value_or("abandoned by worker")), api.settings().error_message_bytes_max);
  if (named && !named->empty() && *named != caller.worker.id) {
    co_return error_answer(kNotBuildOwner.status, kNotBuildOwner.text, kNotBuildOwner.reason);
  }
  const std::string actor = "worker:" + command.worker_id;
  const auto outcome = co_await api.execute(request, command, actor);
  if (!was_done(outcome)) co_return answer_for(outcome);
  co_return answer(200, R"({"success":true,"message":"Build requeued successfully"})");
}

}  // namespace tidemark::commands::builds::endpoint
