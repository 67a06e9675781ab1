// A worker's life: register, poll, unregister.

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

/// What JavaScript takes for false is missing to the old contract.
bool is_given(event::JsonNode node) {
  switch (node.kind()) {
    case event::JsonKind::missing:
    case event::JsonKind::null: return false;
    case event::JsonKind::boolean: return node.as_bool().value_or(false);
    case event::JsonKind::string: return !node.as_string().value_or("").empty();
    case event::JsonKind::integer:
    case event::JsonKind::number: return node.as_double().value_or(0) != 0;
    default: return true;
  }
}

/// Text of a scalar: clients have sent numbers for names.
std::string text_of(event::JsonNode node) {
  if (const auto text = node.as_string()) return std::string(*text);
  return std::string(node.raw());
}

std::string base_image_id(const Api& api) { return api.services.base_image_id.value_or(kDefaultBaseImageId); }

http::Response worker_not_found() { return error_answer(404, kWorkerNotFound.text, kWorkerNotFound.reason); }

std::string job_answer(const Api& api, const std::optional<Job>& job) {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().key("job");
  if (!job) {
    json.null();
  } else {
    const std::string path = "/api/builds/" + job->build_id;
    json.begin_object().member("id", job->build_id).member("platform", name_of(job->platform)).member("source_url", path + "/source");
    json.key("certs_url");
    if (job->has_certs) json.value(path + "/certs");
    else json.null();
    json.member("baseImageId", base_image_id(api)).end_object();
  }
  json.end_object();
  return out;
}

}  // namespace

Task<http::Response> register_worker(Api& api, http::Request& request) {
  if (!api.services.open_registration) {
    if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  }
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  const event::JsonNode root = body->root();
  if (!is_given(root["name"]) || !is_given(root["capabilities"])) {
    co_return error_answer(400, kNameOrCapabilitiesMissing.text, kNameOrCapabilitiesMissing.reason);
  }
  CommandName name = name_command(api, request, "register");
  RegisterWorker command;
  command.name = text_of(root["name"]);
  command.capabilities.raw = root["capabilities"].raw();
  command.active_build_count = root["active_build_count"].as_int64();
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
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  PollForJob command;
  command.worker_id = request.query("worker_id").value_or("");
  if (command.worker_id.empty()) co_return error_answer(400, "worker_id required", "WORKER_ID_REQUIRED");
  command.otp_key_id = api.keys().current_mac_key();
  bool known = false;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    known = find_worker(view.state, command.worker_id).has_value();
    if (!known) return;
    note_contact(view, command.worker_id);
    if (const auto build = active_build_of(view.state, command.worker_id)) command.last_sign_at = view.memory.get(seen_key(build->id));
  });
  if (!answered) co_return ledger_unavailable(kInternalText);
  if (!known) co_return worker_not_found();

  const std::string actor = "worker:" + command.worker_id;
  const auto outcome = co_await api.execute(request, command, actor);
  const auto reply = reply_of<PollReply>(outcome);
  if (!reply) co_return answer_for(outcome);
  co_return answer(200, job_answer(api, reply->job));
}

Task<http::Response> unregister_worker(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  UnregisterWorker command;
  command.worker_id = request.param("id");
  const std::string actor = "worker:" + command.worker_id;
  const auto outcome = co_await api.execute(request, command, actor);
  const auto reply = reply_of<UnregisteredReply>(outcome);
  if (!reply) co_return answer_for(outcome);
  std::string out;
  event::JsonWriter(out).begin_object().member("success", true).member("message", "Worker unregistered")
      .member("builds_reassigned", reply->builds_reassigned).end_object();
  co_return answer(200, std::move(out));
}

}  // namespace tidemark::commands::builds::endpoint
