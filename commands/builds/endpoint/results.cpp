// How a build ends: a result with its file, or a failure.

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/intake.hpp"
#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/rules.hpp"
#include "commands/builds/silence.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kUploadFailed = "Upload failed";
constexpr std::string_view kDefaultFailure = "Build failed";
constexpr std::size_t kFailureBodyBytesMax = 8 * kTextFieldBytesMax;  // one text field, each byte of it an escape of six

http::Response refuse(const RefusalSpec& refusal) { return error_answer(refusal.status, refusal.text, refusal.reason); }

/// As much of a message as is kept of it: with what nobody keeps a command can outgrow what the node takes.
std::string kept_message(const Api& api, std::string_view message) {
  return cut_text(std::string(message), api.settings().error_message_bytes_max);
}

/// How the two routes differ.
struct ReportRoute {
  bool success_by_default = false;
  bool file_required = false;  ///< a success without a file is a bad request instead of a failure
};

struct Report {
  std::optional<http::Response> refusal;
  ResultReply reply;
};

/// Bytes that arrive are a sign of life of the build they are for, as far as the request has said which.
/// Of a form that begins with its file it has not: then they are for the build its worker has, and of one that has not named its
/// worker either for any of the pool, of which none ends meanwhile by silence. A worker that is known by its token gives no life
/// to another's build.
void note_progress(Api& api, const std::string& token_worker, const std::string& build_header, const std::string& worker_header,
                   const Form& form) {
  const std::string* field = form.field("build_id");
  const std::string& build_id = field != nullptr ? *field : build_header;
  const std::string* worker_id = form.field("worker_id");
  if (worker_id == nullptr && !worker_header.empty()) worker_id = &worker_header;
  if (!token_worker.empty() && (worker_id == nullptr || *worker_id != token_worker)) return;
  api.owner_call([&](const runtime::OwnerView& view) {
    if (build_id.empty() && worker_id == nullptr) {
      view.memory.set(std::string(kUnnamedUploadKey), to_ms(view.now));
      return;
    }
    const auto build = build_id.empty() ? active_build_of(view.state, *worker_id) : find_build(view.state, build_id);
    if (build && (worker_id == nullptr || owner_of(*build) == *worker_id)) note_life(view, *build);
  });
}

/// What the owner's state says against a report before its file is kept: the order of errors is the contract's. A worker
/// that is known by its token speaks for itself only.
Refusal check_report(Api& api, const ReportResult& command, const Caller& caller, bool has_file, bool file_required) {
  Refusal refusal;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    const auto build = find_build(view.state, command.build_id);
    if (!build) refusal = refuse(kBuildNotFound);
    else if (!find_worker(view.state, *command.worker_id)) refusal = refuse(kWorkerNotFound);
    else if (!caller.worker_id.empty() && caller.worker_id != *command.worker_id) refusal = refuse(kNotBuildOwner);
    else if (is_active(build->status) && owner_of(*build) != *command.worker_id) refusal = refuse(kNotBuildOwner);
    else if (file_required && command.success && !has_file) refusal = error_answer(400, "Missing result file");
    else note_life(view, *build);
  });
  if (!answered) return ledger_unavailable(kUploadFailed);
  return refusal;
}

Task<Report> take_report(Api& api, http::Request& request, ReportRoute route) {
  Report out;
  Caller caller;
  out.refusal = check_key_or_worker(api, request, caller, kUploadFailed);
  if (out.refusal) co_return out;
  FormSpec spec;
  spec.files = {WantedFile{"result", api.settings().result_bytes_max, kResultTooLarge.text, false}};
  spec.fields = {"build_id", "worker_id", "success", "error_message"};
  spec.failed = kUploadFailed;
  const std::string build_header(request.header("X-Build-Id").value_or(""));
  const std::string worker_header(caller.worker_id.empty() ? request.header("X-Worker-Id").value_or("") : std::string_view(caller.worker_id));
  Form form;
  std::function<void(const Form&)> progress = [&api, &caller, &build_header, &worker_header, last = SteadyTime{}](const Form& so_far) mutable {
    const SteadyTime now = api.node().scheduler().now();
    if (now - last < std::chrono::seconds(1)) return;
    last = now;
    note_progress(api, caller.worker_id, build_header, worker_header, so_far);
  };
  auto reading = read_form(request, api.blobs(), std::move(spec), form, std::move(progress));
  out.refusal = co_await std::move(reading);
  if (out.refusal) co_return out;

  const std::string* build_id = form.field("build_id");
  const std::string* worker_id = form.field("worker_id");
  if (build_id == nullptr || build_id->empty() || worker_id == nullptr || worker_id->empty()) {
    out.refusal = error_answer(400, "build_id and worker_id required");
    co_await form.discard_files();
    co_return out;
  }
  StagedFile* file = form.file("result");
  const std::string* success = form.field("success");
  const std::string* error_message = form.field("error_message");
  ReportResult command;
  command.build_id = *build_id;
  command.worker_id = *worker_id;
  command.credential = caller.credential;
  command.success = success != nullptr ? *success == "true" : route.success_by_default;
  // Kept with a success too: without a file it ends as a failure, and this says why.
  if (error_message != nullptr && !error_message->empty()) command.error_message = kept_message(api, *error_message);
  else if (!command.success) command.error_message = std::string(kDefaultFailure);
  out.refusal = check_report(api, command, caller, file != nullptr, route.file_required);
  if (out.refusal) {
    co_await form.discard_files();
    co_return out;
  }
  if (command.success && file != nullptr) {
    auto stored = co_await file->upload->commit();
    if (!stored.ok()) {
      log_unstored_file("result", stored.error());
      out.refusal = error_answer(500, kUploadFailed);
      co_return out;
    }
    command.result = BlobRef{stored->sha256, stored->size, BlobKind::result, file->declared_name, file->declared_type};
  }
  const std::string actor = "worker:" + *worker_id;
  CommandName name = name_command(api, request, "result/" + *build_id);
  const auto outcome = co_await api.execute(request, command, actor, std::move(name));
  if (was_done(outcome)) api.owner_call([&](const runtime::OwnerView& view) { forget_life(view, command.build_id); });
  if (auto reply = reply_of<ResultReply>(outcome)) out.reply = std::move(*reply);
  else out.refusal = answer_for(outcome, kUploadFailed);
  co_return out;
}

}  // namespace

Task<http::Response> upload(Api& api, http::Request& request) {
  const ReportRoute route{};
  auto report = co_await take_report(api, request, route);
  if (report.refusal) co_return std::move(*report.refusal);
  co_return answer(200, report.reply.status == BuildStatus::completed ? R"({"status":"success"})" : R"({"status":"failed"})");
}

Task<http::Response> result(Api& api, http::Request& request) {
  const ReportRoute route{true, true};
  auto report = co_await take_report(api, request, route);
  if (report.refusal) co_return std::move(*report.refusal);
  co_return answer(200, report.reply.status == BuildStatus::completed
                            ? R"({"success":true,"message":"Result uploaded successfully"})"
                            : R"({"success":true,"message":"Build marked as failed"})");
}

Task<http::Response> fail(Api& api, http::Request& request) {
  Caller caller;
  if (auto refusal = check_key_or_worker(api, request, caller)) co_return std::move(*refusal);
  auto body = co_await read_json(request, kFailureBodyBytesMax);
  if (body->refusal) co_return std::move(*body->refusal);
  const auto build_id = body->root()["build_id"].as_string();
  if (!build_id || build_id->empty()) co_return error_answer(400, "build_id required");
  const auto error = body->root()["error"].as_string();
  if (const auto named = request.header("X-Worker-Id"); named && caller.worker_id.empty()) caller.worker_id = *named;
  ReportResult command;
  command.build_id = *build_id;
  command.credential = caller.credential;
  if (!caller.worker_id.empty()) command.worker_id = caller.worker_id;
  command.error_message = error && !error->empty() ? kept_message(api, *error) : std::string(kDefaultFailure);
  const auto outcome = co_await api.execute(request, command, caller.actor());
  if (!was_done(outcome)) co_return answer_for(outcome);
  api.owner_call([&](const runtime::OwnerView& view) { forget_life(view, command.build_id); });
  co_return answer(200, R"({"success":true,"message":"Build marked as failed"})");
}

Task<http::Response> artifact(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_vm(api, request, request.param("id"), caller, build, kUploadFailed)) co_return std::move(*refusal);
  FormSpec spec;
  spec.files = {WantedFile{"artifact", api.settings().result_bytes_max, kResultTooLarge.text, false}};
  spec.failed = kUploadFailed;
  Form form;
  // Bytes that arrive are a sign of life.
  std::function<void(const Form&)> progress = [&api, &build, last = SteadyTime{}](const Form&) mutable {
    const SteadyTime now = api.node().scheduler().now();
    if (now - last < std::chrono::seconds(1)) return;
    last = now;
    api.owner_call([&](const runtime::OwnerView& view) { note_life(view, build); });
  };
  auto reading = read_form(request, api.blobs(), std::move(spec), form, std::move(progress));
  auto refused = co_await std::move(reading);
  if (refused) co_return std::move(*refused);
  StagedFile* file = form.file("artifact");
  if (file == nullptr) co_return error_answer(400, "No artifact file provided");
  auto stored = co_await file->upload->commit();
  if (!stored.ok()) {
    log_unstored_file("artifact", stored.error());
    co_return error_answer(500, kUploadFailed);
  }
  ReportResult command;
  command.build_id = build.id;
  command.credential = caller.credential;
  command.attempt = caller.attempt;
  command.success = true;
  command.result = BlobRef{stored->sha256, stored->size, BlobKind::result, file->declared_name, file->declared_type};
  CommandName name = name_command(api, request, "artifact/" + build.id);
  const auto outcome = co_await api.execute(request, command, caller.actor(), std::move(name));
  if (!was_done(outcome)) co_return answer_for(outcome, kUploadFailed);
  api.owner_call([&](const runtime::OwnerView& view) { forget_life(view, command.build_id); });
  co_return answer(200, R"({"success":true})");
}

}  // namespace tidemark::commands::builds::endpoint
