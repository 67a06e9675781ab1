#include "commands/builds/endpoint/api.hpp"

#include "core/base/bytes.hpp"
#include "core/base/utf8.hpp"
#include "core/observe/log.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr Duration kReadModelWait = std::chrono::seconds(2);

}  // namespace

Task<runtime::Outcome> Api::execute(runtime::CommandRequest request) {
  auto outcome = co_await node().execute(std::move(request));
  if (outcome.kind == runtime::Outcome::Kind::failed) co_return outcome;
  // A repeat or a refusal may rest on what another request has just recorded and not yet answered.
  if (outcome.kind != runtime::Outcome::Kind::accepted || outcome.replayed || outcome.position.empty()) {
    co_await settle();
    co_return outcome;
  }
  runtime::Position position = outcome.position;
  const SteadyTime deadline = node().scheduler().now() + kReadModelWait;
  // Queries wait for the log's end as well, so a model that is behind delays them instead of showing less than was answered.
  (void)co_await node().wait_domain_applied(std::string(kDomain), std::move(position), deadline);
  co_return outcome;
}

Task<bool> Api::settle() {
  runtime::Position end = node().domain_end(kDomain);
  if (end.empty()) co_return true;
  const SteadyTime deadline = node().scheduler().now() + kReadModelWait;
  auto applied = co_await node().wait_domain_applied(std::string(kDomain), std::move(end), deadline);
  co_return applied.ok();
}

Task<bool> Api::wait_for_model(std::string_view projection) {
  runtime::Position end = node().domain_end(kDomain);
  if (end.empty()) co_return true;
  const SteadyTime deadline = node().scheduler().now() + kReadModelWait;
  auto applied = co_await node().wait_applied(std::string(projection), std::move(end), deadline);
  co_return applied.ok();
}

bool Api::owner_call(FnRef<void(const runtime::OwnerView&)> read) {
  return node().owner_call(kDomain, schemas::builds::kDefaultPool, read).ok();
}

std::string Api::token(std::string_view key_id, std::string_view purpose, std::initializer_list<std::string_view> parts) const {
  auto mac = keys().mac(key_id, purpose, parts);
  return mac.ok() ? keys::token_text(*mac) : std::string();
}

std::string vm_token(const Api& api, const BuildRow& build) {
  return api.token(build.vm_token_key_id, schemas::builds::kVmTokenPurpose,
                   {build.id, std::to_string(build.attempt), std::to_string(build.auth_seq)});
}

std::string one_time_password(const Api& api, std::string_view key_id, std::string_view build_id, std::uint32_t attempt) {
  return api.token(key_id, schemas::builds::kOtpPurpose, {build_id, std::to_string(attempt)});
}

void log_unusable_file(std::string_view file, const Error& error) {
  const auto level = error.code == Code::not_found ? observe::Level::warning : observe::Level::error;
  observe::log(level, "stored file cannot be used", {{"file", file}, {"code", name_of(error.code)}, {"reason", error.message}});
}

CommandName name_command(Api& api, const http::Request& request, std::string_view route) {
  const auto key = request.header("Idempotency-Key");
  if (key && !key->empty()) return {runtime::command_id_of_key("", "api-key", route, *key), true};
  auto& scheduler = api.node().scheduler();
  const std::uint64_t high = scheduler.random();
  return {to_string(make_uuid_v7(scheduler.wall(), high, scheduler.random())), false};
}

http::Response answer_for(const runtime::Outcome& outcome, std::string_view failed) {
  switch (outcome.kind) {
    case runtime::Outcome::Kind::refused: return error_answer(outcome.status, outcome.detail, outcome.reason);
    case runtime::Outcome::Kind::key_reused:
      return error_answer(422, "Idempotency-Key was used with another request", "IDEMPOTENCY_KEY_REUSED");
    case runtime::Outcome::Kind::failed: return ledger_unavailable(failed);
    default: return error_answer(500, failed);
  }
}

Task<std::unique_ptr<JsonBody>> read_json(http::Request& request, std::size_t bytes_max) {
  auto body = std::make_unique<JsonBody>();
  auto read = co_await request.read_body(bytes_max);
  if (!read.ok()) {
    switch (read.error().code) {
      case Code::exhausted: body->refusal = error_answer(413, "Request body too large"); break;
      case Code::timed_out: body->refusal = error_answer(408, "Request timeout"); break;
      default: body->refusal = error_answer(400, "Invalid request body"); break;
    }
    co_return body;
  }
  body->text = std::move(read).value();
  if (body->text.empty()) co_return body;
  event::JsonLimits limits;
  limits.replace_lone_surrogates = true;  // a log line cut inside an emoji must not cost its batch
  auto document = event::JsonDocument::parse(body->text, limits);
  if (!document.ok() && !is_utf8(body->text)) {  // nor must a byte of another encoding
    body->text = mend_utf8(body->text);
    document = event::JsonDocument::parse(body->text, limits);
  }
  if (!document.ok()) {
    body->refusal = error_answer(400, "Invalid JSON body");
    co_return body;
  }
  body->document.emplace(std::move(document).value());
  co_return body;
}

}  // namespace tidemark::commands::builds::endpoint
