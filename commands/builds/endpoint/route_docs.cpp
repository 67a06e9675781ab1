#include "commands/builds/endpoint/route_docs.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tidemark::commands::builds::endpoint::docs {
namespace {

using http::AnswerDoc;
using http::ParameterDoc;
using http::RouteDoc;
using http::array_schema;
using http::object_schema;
using In = http::ParameterDoc::In;

constexpr const char* kKey = "api-key";
constexpr const char* kBuildToken = "build-token";
constexpr const char* kWorkerToken = "worker-token";
constexpr const char* kVmToken = "vm-token";
constexpr const char* kNotOwner = "Build not assigned to this worker";
constexpr const char* kGone = "The build was cancelled or has failed";
constexpr const char* kUnavailable = "The ledger cannot be reached now";
constexpr const char* kPlatform = R"({"type":"string","enum":["ios","android"]})";
/// A cancelled build is shown as failed.
constexpr const char* kStatus = R"({"type":"string","enum":["pending","assigned","building","completed","failed"]})";
constexpr const char* kDiagnosticStatus = R"({"type":"string","enum":["healthy","warning","critical"]})";
constexpr const char* kBase64 = R"({"type":"string","contentEncoding":"base64"})";
constexpr const char* kPending = R"({"const":"pending"})";
constexpr const char* kTrue = R"({"const":true})";
constexpr const char* kFile = R"({"type":"string","format":"binary"})";
constexpr const char* kError =
    R"({"$ref":"#/$defs/Error","$defs":{"Error":{"type":"object","properties":{"error":{"type":"string"}},"required":["error"]}}})";

struct Refusal {
  int status;
  std::string texts;
};

AnswerDoc refused(Refusal refusal) {
  return {refusal.status, std::move(refusal.texts), {{"application/json", kError, {}}},
          {{"X-Reason-Code", "Machine-readable reason, where there is one"}}};
}

AnswerDoc json(std::string schema, int status = 200) { return {status, "Done", {{"application/json", std::move(schema), {}}}}; }
AnswerDoc bytes(std::string media_type) {
  return {200, "The file", {{std::move(media_type), {}, {}}},
          {{"ETag", "Quoted SHA-256 of the content"}, {"Content-Disposition", "With the file's name"}, {"Accept-Ranges", "bytes"}}};
}

/// Adds the texts of each status to those that it has already.
void add_refusals(RouteDoc& doc, std::initializer_list<Refusal> refusals) {
  for (const Refusal& refusal : refusals) {
    const auto known = std::find_if(doc.answers.begin(), doc.answers.end(), [&](const AnswerDoc& answer) { return answer.status == refusal.status; });
    if (known == doc.answers.end()) doc.answers.push_back(refused(refusal));
    else known->description += "; " + refusal.texts;
  }
}

RouteDoc route(std::string summary, AnswerDoc success, std::initializer_list<Refusal> refusals) {
  RouteDoc doc;
  doc.summary = std::move(summary);
  doc.answers.push_back(std::move(success));
  add_refusals(doc, refusals);
  return doc;
}

/// Any of the credentials suffices.
RouteDoc allowed(RouteDoc doc, std::initializer_list<const char*> credentials) {
  const auto has = [&](std::string_view name) { return std::find(credentials.begin(), credentials.end(), name) != credentials.end(); };
  doc.credentials.assign(credentials.begin(), credentials.end());
  if (has(kBuildToken)) add_refusals(doc, {{401, "Missing X-API-Key or X-Build-Token header"}, {403, "Invalid or expired build token"}});
  else if (has(kKey)) add_refusals(doc, {{401, "Missing X-API-Key header"}});
  if (has(kKey)) add_refusals(doc, {{403, "Invalid API key"}});
  if (has(kWorkerToken)) add_refusals(doc, {{401, "Authentication required"}});
  if (has(kVmToken)) {
    add_refusals(doc, {{401, "No X-VM-Token header"}, {403, "VM token not issued. Authenticate first with OTP.; VM token expired; Invalid VM token"}});
  }
  add_refusals(doc, {{503, kUnavailable}});
  return doc;
}

RouteDoc keyed(RouteDoc doc) { return allowed(std::move(doc), {kKey}); }
RouteDoc key_or_token(RouteDoc doc) { return allowed(std::move(doc), {kKey, kBuildToken}); }
RouteDoc key_or_worker(RouteDoc doc) { return allowed(std::move(doc), {kKey, kWorkerToken}); }

/// The worker that has the build, which the key alone does not name, or the build's virtual machine.
RouteDoc owned(RouteDoc doc, std::initializer_list<const char*> credentials = {kKey, kVmToken}) {
  doc.parameters.push_back({.name = "X-Worker-Id", .in = In::header, .description = "The worker that has the build; needed with X-API-Key"});
  doc = allowed(std::move(doc), credentials);
  add_refusals(doc, {{401, "Missing X-Worker-Id header"}, {403, "Worker not authorized for this build"}});
  return doc;
}

/// The same, and the build is named once more.
RouteDoc owned_twice(RouteDoc doc) {
  doc.parameters.push_back({.name = "X-Worker-Id", .in = In::header, .description = "The worker that has the build; needed with X-API-Key"});
  doc.parameters.push_back({.name = "X-Build-Id", .in = In::header, .description = "The build again; needed with X-API-Key"});
  doc = allowed(std::move(doc), {kKey, kVmToken});
  add_refusals(doc, {{401, "Missing X-Worker-Id header; Missing X-Build-Id header"},
                     {403, "X-Build-Id header does not match build ID in URL; Worker not assigned to this build"}});
  return doc;
}

std::string report_schema() {
  return object_schema({{"id", "string"}, {"worker_id", "string"}, {"status", kDiagnosticStatus}, {"run_at", "integer"}, {"duration_ms", "integer"},
                        {"auto_fixed", "boolean"}, {"checks", array_schema(http::member_schema("any"))}});
}

RouteDoc with_body(RouteDoc doc, std::vector<http::MemberDoc> members, bool required = true) {
  doc.request = {{"application/json", object_schema(members), {}}};
  doc.request_required = required;
  return doc;
}

RouteDoc with_form(RouteDoc doc, std::vector<http::MemberDoc> members) {
  doc.request = {{"multipart/form-data", object_schema(members), {}}};
  return doc;
}

RouteDoc with_idempotency(RouteDoc doc) {
  doc.parameters.push_back({.name = "Idempotency-Key", .in = In::header, .description = "A repeat with the same key gets the first answer"});
  add_refusals(doc, {{422, "Idempotency-Key was used with another request"}});
  return doc;
}

RouteDoc submission(std::string summary, AnswerDoc success) {
  auto doc = keyed(route(std::move(summary), std::move(success),
                         {{400, "Content must be multipart/form-data; Source file required; Valid platform required (ios|android)"},
                          {413, "Source file too large; Certs file too large"}, {500, "Build submission failed"}}));
  doc.description = "Parts come in any order; those not listed are read and forgotten. The access token is shown once.";
  return with_idempotency(with_form(std::move(doc), {{"source", kFile}, {"platform", kPlatform}, {"certs?", kFile}}));
}

RouteDoc report(RouteDoc doc) {
  return with_idempotency(with_form(key_or_worker(std::move(doc)), {{"build_id", "string"}, {"worker_id", "string"}, {"success?", "string"},
                                                            {"error_message?", "string"}, {"result?", kFile}}));
}

std::string unregistered_schema() { return object_schema({{"success", kTrue}, {"message", "string"}, {"builds_reassigned", "uint"}}); }
std::string done_schema() { return object_schema({{"success", kTrue}, {"message", "string"}}); }

std::string board_schema() {
  const std::string totals = object_schema({{"pending", "integer"}, {"assigned", "integer"}, {"building", "integer"}, {"completed", "integer"},
                                            {"failed", "integer"}, {"cancelled", "integer"}, {"completed_today", "integer"},
                                            {"workers_online", "integer"}});
  const std::string queued = object_schema({{"id", "string"}, {"platform", kPlatform}, {"submitted_at", "integer"}, {"order", "uint"},
                                            {"attempt", "uint"}});
  const std::string active = object_schema({{"id", "string"}, {"platform", kPlatform}, {"status", R"({"type":"string","enum":["assigned","building"]})"},
                                            {"attempt", "uint"}, {"submitted_at", "integer"}, {"order", "uint"}, {"worker_id?", "string"},
                                            {"worker?", "string"}, {"started_at?", "integer"}, {"seen_at?", "integer"}, {"stage?", "string"},
                                            {"progress?", R"({"type":"number","minimum":0,"maximum":100})"}});
  const std::string worker = object_schema({{"id", "string"}, {"name", "string"}, {"status", R"({"type":"string","enum":["idle","building","offline"]})"},
                                            {"completed", "uint"}, {"failed", "uint"}, {"build_id?", "string"}, {"seen_at?", "integer"}});
  const std::string ended = object_schema({{"id", "string"}, {"number", "uint"}, {"platform", kPlatform},
                                           {"ending", R"({"type":"string","enum":["completed","failed","timed_out"]})"}, {"submitted_at", "integer"},
                                           {"ended_at", "integer"}, {"started_at?", "integer"}, {"worker_id?", "string"}, {"worker?", "string"},
                                           {"message?", "string"}});
  return object_schema({{"totals", array_schema(totals)}, {"queue", array_schema(queued)}, {"active", array_schema(active)},
                        {"workers", array_schema(worker)}, {"finished", array_schema(ended)}, {"failures", array_schema(ended)}});
}

}  // namespace

http::SurfaceDoc surface() {
  using enum http::CredentialDoc::Kind;
  return {.title = "Builds",
          .description = "The routes of the old build controller, as its command line, workers and scripts know them. Times are integer "
                         "milliseconds or RFC 3339, as each schema says.",
          .credentials = {{kKey, header, "X-API-Key", "The shared key of developers and workers"},
                          {kBuildToken, header, "X-Build-Token", "The access token of the build in the path"},
                          {kWorkerToken, header, "X-Worker-Token", "A worker's short-lived token, renewed by its polls"},
                          {kVmToken, header, "X-VM-Token", "The token of the virtual machine that builds"}}};
}

RouteDoc submit() {
  return submission("Submit a build", json(object_schema({{"id", "string"}, {"status", kPending}, {"submitted_at", "integer"}, {"access_token", "string"}})));
}

RouteDoc create() {
  return submission("Submit a build (201, times as text)",
                    json(object_schema({{"id", "string"}, {"status", kPending}, {"platform", kPlatform}, {"submitted_at", "date-time"},
                                        {"access_token", "string"}}), 201));
}

RouteDoc cancel() {
  return keyed(route("Cancel a build", json(object_schema({{"status", R"({"const":"cancelled"})"}})),
                     {{400, "Build already finished"}, {404, "Build not found"}}));
}

RouteDoc retry() {
  auto doc = route("Submit a build's files again",
                   json(object_schema({{"id", "string"}, {"status", kPending}, {"submitted_at", "integer"}, {"access_token", "string"},
                                       {"original_build_id", "string"}})),
                   {{400, "Original build source no longer available. Please submit a new build."}, {404, "Build not found"},
                    {500, "Build retry failed"}});
  return with_idempotency(key_or_token(std::move(doc)));
}

RouteDoc list_builds() {
  auto doc = keyed(route("List builds, newest first",
                         json(array_schema(object_schema({{"id", "string"}, {"status", kStatus}, {"createdAt", "date-time"}, {"completedAt?", "date-time"}}))), {}));
  doc.description = "A filter that names no state or platform matches nothing.";
  doc.parameters = {{.name = "status", .in = In::query, .description = "Only builds in that state"},
                    {.name = "worker_id", .in = In::query, .description = "Only builds of that worker"},
                    {.name = "platform", .in = In::query, .description = "Only builds for that platform"}};
  return doc;
}

RouteDoc active_builds() {
  const std::string build = object_schema({{"id", "string"}, {"status", kStatus}, {"platform", kPlatform}, {"worker_id", "string|null"},
                                           {"started_at", "integer|null"}});
  return keyed(route("List builds in the hands of workers", json(object_schema({{"builds", array_schema(build)}})), {}));
}

RouteDoc build_statistics() {
  return keyed(route("Count builds by state",
                     json(object_schema({{"total", "integer"}, {"pending", "integer"}, {"assigned", "integer"}, {"building", "integer"},
                                         {"completed", "integer"}, {"failed", "integer"}, {"cancelled", "integer"}})), {}));
}

RouteDoc build_detail() {
  return key_or_token(route("One build",
                            json(object_schema({{"id", "string"}, {"platform", kPlatform}, {"status", kStatus}, {"worker_id", "string|null"},
                                                {"worker_name", "string|null"}, {"submitted_at", "date-time"}, {"createdAt", "date-time"},
                                                {"updated_at", "date-time"}, {"error_message", "string|null"}, {"has_result", "boolean"}})),
                            {{404, "Build not found"}}));
}

RouteDoc build_status() {
  return key_or_token(route("Status of a build",
                            json(object_schema({{"id", "string"}, {"status", kStatus}, {"platform", kPlatform}, {"worker_id", "string|null"},
                                                {"submitted_at", "integer"}, {"started_at", "integer|null"}, {"completed_at", "integer|null"},
                                                {"error_message", "string|null"}})),
                            {{404, "Build not found"}}));
}

RouteDoc build_logs() {
  const std::string line = object_schema({{"timestamp", "integer"}, {"level", R"({"type":"string","enum":["info","warn","error","debug"]})"},
                                          {"message", "string"}});
  auto doc = key_or_token(route("Log lines of a build", json(object_schema({{"build_id", "string"}, {"logs", array_schema(line)}})),
                                {{404, "Build not found"}}));
  doc.description = "In the order in which they were appended; lines are only ever added at the end.";
  doc.parameters = {{.name = "limit", .in = In::query, .description = "The first lines only; all without it", .schema = http::member_schema("uint")}};
  return doc;
}

RouteDoc download() {
  return key_or_token(route("Download the result", bytes("application/octet-stream"),
                            {{400, "Build not completed"}, {404, "Build not found; Build result not found"}}));
}

RouteDoc download_type() {
  auto doc = key_or_token(route("Download the result or the source", bytes("application/octet-stream"),
                                {{400, "Invalid file type"}, {404, "Build or file not found"}}));
  doc.parameters = {{.name = "id"}, {.name = "type", .description = "Which file", .schema = R"({"type":"string","enum":["result","source"]})"}};
  return doc;
}

RouteDoc source() { return owned(route("Source of a build, for its worker", bytes("application/zip"), {{404, "Build not found; Source not found"}}), {kKey, kWorkerToken, kVmToken}); }

RouteDoc certs() {
  auto doc = owned(route("Certificates of a build, for its worker", {200, "The file", {{"application/zip", {}, {}}}},
                         {{404, "Build not found; Certs not found"}}));
  doc.description = "Kept encrypted; never cached. Conditions and single ranges as of every file.";
  return doc;
}

RouteDoc certs_secure() {
  auto doc = owned_twice(route("Signing material of a build, for its virtual machine",
                               json(object_schema({{"p12", kBase64}, {"p12Password", "string"}, {"keychainPassword", kBase64},
                                                   {"provisioningProfiles", array_schema(kBase64)}})),
                               {{404, "Build not found; Certs not found"}, {413, "Certs bundle too large"}, {500, "Failed to process certs file"}}));
  doc.description = "Taken out of the bundle, which must be a ZIP archive of sound entries. The keychain password is a new one each time; nothing is cached.";
  return doc;
}

RouteDoc register_worker() {
  auto doc = keyed(route("Register a worker, or renew one",
                         json(object_schema({{"id", "string"}, {"status", R"({"type":"string","enum":["registered","re-registered"]})"},
                                             {"baseImageId", "string"}, {"access_token", "string"}, {"message", "string"}})),
                         {{400, "Name and capabilities required; Invalid JSON body"}}));
  doc.description = "A known id is renewed and keeps its name. With the setting builds.open_registration no key is needed.";
  return with_idempotency(with_body(std::move(doc), {{"name", "any"}, {"capabilities", "any"}, {"id?", "any"}, {"active_build_count?", "any"},
                                                     {"publicIdentifier?", "any"}}));
}

RouteDoc poll() {
  const std::string job = R"({"type":["object","null"],)" +
                          object_schema({{"id", "string"}, {"platform", kPlatform}, {"source_url", "string"}, {"certs_url", "string|null"},
                                         {"baseImageId?", "string"}, {"submitted_at?", "date-time"}, {"otp?", "string"}})
                              .substr(std::string_view(R"({"type":"object",)").size());
  auto doc = key_or_worker(route("Ask for work", json(object_schema({{"job", job}, {"access_token?", "string"}})),
                                 {{400, "worker_id required"}, {404, "Worker not found"}}));
  doc.description = "Idempotent: a worker that has a build gets the same build again. By token the answer has the one-time password and the worker's "
                    "current token, by key the base image.";
  doc.parameters = {{.name = "worker_id", .in = In::query, .description = "As registered; needed with X-API-Key"}};
  return doc;
}

RouteDoc unregister_worker() {
  auto doc = keyed(route("Take a worker offline", json(unregistered_schema()), {{404, "Worker not found"}}));
  doc.description = "Its build goes back to the queue, at its old place.";
  return doc;
}

RouteDoc unregister_self() {
  return allowed(route("Take oneself offline", json(unregistered_schema()), {{404, "Worker not found"}}), {kWorkerToken});
}

RouteDoc abandon() {
  auto doc = allowed(route("Give a build back", json(done_schema()), {{400, "build_id required; Invalid JSON body"}, {403, kNotOwner}, {404, "Build not found"}}),
                     {kWorkerToken});
  return with_body(std::move(doc), {{"build_id", "string"}, {"reason?", "string"}, {"worker_id?", "string"}});
}

RouteDoc authenticate() {
  auto doc = route("Exchange the one-time password for a VM token", json(object_schema({{"vm_token", "string"}, {"expires_at", "date-time"}})),
                   {{400, "Missing required parameter: otp"}, {401, "No OTP configured for this build; Invalid OTP; OTP expired"},
                    {404, "Build not found"}, {429, "Too many requests"}, {503, kUnavailable}});
  doc.description = "The password is good until the machine says that it is ready; each success replaces the token.";
  return with_body(std::move(doc), {{"otp", "string"}});
}

RouteDoc vm_ready() {
  return allowed(route("The virtual machine is up", json(object_schema({{"success", kTrue}, {"vm_ready_at", "date-time"}})), {{404, "Build not found"}}),
                 {kVmToken});
}

RouteDoc vm_status() {
  auto doc = route("Whether the virtual machine is up",
                   json(object_schema({{"vm_ready", "boolean"}, {"vm_token?", "string"}, {"vm_ready_at?", "date-time"}})),
                   {{404, "Build not found"}, {429, "Too many requests"}, {503, kUnavailable}});
  doc.description = "The token is shown while the build is under way, and for ten minutes after its completion.";
  return doc;
}

RouteDoc worker_stats() {
  return keyed(route("Counters of a worker",
                     json(object_schema({{"totalBuilds", "integer"}, {"successfulBuilds", "integer"}, {"failedBuilds", "integer"},
                                         {"workerName", "string"}, {"status", R"({"type":"string","enum":["idle","building","offline"]})"},
                                         {"uptime", "string"}})),
                     {{404, "Worker not found"}}));
}

RouteDoc build_heartbeat() {
  auto doc = allowed(route("Sign of life of a build", json(object_schema({{"status", R"({"const":"ok"})"}, {"timestamp", "integer"}})),
                           {{400, "worker_id required; Invalid JSON body"}, {403, kNotOwner}, {404, "Build not found"}, {409, kGone}}),
                     {kKey, kVmToken});
  doc.parameters = {{.name = "worker_id", .in = In::query, .description = "The worker that has the build; needed with X-API-Key"}};
  return with_body(std::move(doc), {{"progress?", "any"}}, false);
}

RouteDoc worker_heartbeat() {
  auto doc = key_or_worker(route("Sign of life of a worker's build", json(done_schema()),
                                 {{400, "build_id required; Invalid JSON body"}, {403, kNotOwner}, {404, "Build not found"}, {409, kGone}}));
  return with_body(std::move(doc), {{"build_id", "string"}, {"progress?", "any"}});
}

RouteDoc append_logs() {
  auto doc = owned(route("Add log lines", json(object_schema({{"success", kTrue}, {"count?", "uint"}})),
                         {{400, "Invalid log level. Must be: info, warn, or error; Invalid body. Expected { level, message } or { logs: [...] }"},
                          {404, "Build not found"}}));
  doc.description = "One line, or many in `logs`; of many, those without a known level or a text are skipped. Taken after the end of a build too. "
                    "At most 8 MiB; a line of more than 1 MiB goes on in further lines, and bytes that are not UTF-8 become U+FFFD. "
                    "Up to 2 MiB of lines are added whole or not at all; of more, a failure may leave the first ones.";
  return with_body(std::move(doc), {{"level?", "string"}, {"message?", "string"}, {"logs?", array_schema(http::member_schema("object"))}});
}

RouteDoc telemetry() {
  auto doc = owned_twice(route("Telemetry of a virtual machine", json(object_schema({{"status", R"({"const":"ok"})"}})),
                               {{400, "Invalid telemetry data; Invalid JSON body"}, {404, "Build not found"}, {409, kGone}}));
  doc.description = "A sign of life. monitor_started and heartbeat add a line to the log; a cpu_snapshot within bounds is kept as a sample, another is "
                    "ignored. Numbers may be texts.";
  return with_body(std::move(doc), {{"type", "string"}, {"timestamp", "any"}, {"data", "any"}});
}

RouteDoc report_diagnostics() {
  auto doc = keyed(route("A worker reports on itself", json(object_schema({{"id", "string"}, {"status", R"({"const":"stored"})"}})),
                         {{400, "Missing required fields: worker_id, status, duration_ms, checks; Invalid status. Must be: healthy, warning, or critical; "
                                "checks must be an array; Invalid JSON body"},
                          {404, "Worker not found"}, {500, "Failed to save diagnostic report"}}));
  return with_idempotency(with_body(std::move(doc), {{"worker_id", "string"}, {"status", kDiagnosticStatus}, {"duration_ms", "number"},
                                                     {"checks", array_schema(http::member_schema("any"))}, {"auto_fixed?", "any"}, {"run_at?", "any"}}));
}

RouteDoc list_diagnostics() {
  auto doc = keyed(route("Reports of a worker, newest first", json(object_schema({{"worker_id", "string"}, {"reports", array_schema(report_schema())}})),
                         {{404, "Worker not found"}}));
  doc.description = "Of the last 90 days.";
  doc.parameters = {{.name = "worker_id"}, {.name = "limit", .in = In::query, .description = "At most so many; 10 without it", .schema = http::member_schema("uint")}};
  return doc;
}

RouteDoc latest_diagnostics() {
  return keyed(route("The latest report of a worker", json(report_schema()), {{404, "Worker not found; No diagnostic reports found"}}));
}

RouteDoc upload() {
  return report(route("Report how a build ended",
                      json(object_schema({{"status", R"({"type":"string","enum":["success","failed"]})"}})),
                      {{400, "Content must be multipart/form-data; build_id and worker_id required"}, {403, kNotOwner}, {404, "Build not found; Worker not found"},
                       {409, "Build already finished"}, {413, "Result file too large"}, {500, "Upload failed"}}));
}

RouteDoc result() {
  return report(route("Report a result", json(done_schema()),
                      {{400, "Content must be multipart/form-data; build_id and worker_id required; Missing result file"},
                       {403, kNotOwner}, {404, "Build not found; Worker not found"}, {409, "Build already finished"}, {413, "Result file too large"}, {500, "Upload failed"}}));
}

RouteDoc fail() {
  auto doc = key_or_worker(route("Report a failure", json(done_schema()),
                                 {{400, "build_id required; Invalid JSON body"}, {403, kNotOwner}, {404, "Build not found"}, {409, "Build already finished"}}));
  return with_body(std::move(doc), {{"build_id", "string"}, {"error?", "any"}});
}

RouteDoc artifact() {
  auto doc = allowed(route("Upload the result, from the virtual machine", json(object_schema({{"success", kTrue}})),
                           {{400, "Content must be multipart/form-data; No artifact file provided"}, {404, "Build not found"},
                            {409, "Build already finished"}, {413, "Result file too large"}, {500, "Upload failed"}}),
                     {kVmToken});
  return with_idempotency(with_form(std::move(doc), {{"artifact", kFile}}));
}

RouteDoc health() {
  const std::string queue = object_schema({{"pending", "integer"}, {"active", "integer"}, {"total", "integer"}});
  const std::string storage = object_schema({{"path", "string"}, {"exists", "boolean"}});
  return route("The queue, from local state", json(object_schema({{"status", R"({"const":"ok"})"}, {"queue", queue}, {"storage", storage}})),
               {{503, "Service unavailable"}});
}

RouteDoc public_stats() {
  return route("Figures for the landing page",
               json(object_schema({{"nodesOnline", "integer"}, {"buildsQueued", "integer"}, {"activeBuilds", "integer"}, {"buildsToday", "integer"},
                                   {"totalBuilds", "integer"}, {"totalBuildTimeMs", "integer"}, {"totalCpuCycles", "number"}})),
               {{503, kUnavailable}});
}

RouteDoc surface_metrics() {
  RouteDoc doc;
  doc.summary = "Metrics";
  doc.description = "Text for Prometheus: the queue, and what it rests on. The platform's /metrics has these and all others.";
  doc.answers = {{200, "The metrics", {{"text/plain", R"({"type":"string"})", {}}}}};
  return doc;
}

RouteDoc home() {
  RouteDoc doc;
  doc.summary = "Status page";
  doc.description = "For people: public figures at once, everything else after the API key was given to the page.";
  doc.answers = {{200, "A page", {{"text/html", R"({"type":"string"})", {}}}}};
  return doc;
}

RouteDoc page_part() {
  auto doc = route("A file of the status page", bytes("text/css"), {{404, "Not found"}});
  doc.answers.front().bodies.push_back({"text/javascript", {}, {}});
  doc.answers.front().bodies.push_back({"image/svg+xml", {}, {}});
  doc.answers.front().headers = {{"ETag", "Changes with the content"}, {"Content-Security-Policy", "The page's own"}};
  return doc;
}

RouteDoc status() {
  auto doc = keyed(route("What the status page shows", json(board_schema()), {}));
  doc.description = "Times are integer milliseconds. `queue` is in order and cut after 50 builds, `active` and `workers` after 200; `finished` has how the "
                    "latest 200 builds ended (without cancelled ones), `failures` the latest 25 that failed. `progress` is in percent, as the "
                    "worker last said.";
  return doc;
}

RouteDoc status_stream() {
  auto doc = keyed(route("What the status page shows, as it changes", {200, "Server-Sent Events", {{"text/event-stream", {}, {}}}}, {}));
  doc.description = "Event `snapshot`: everything, as `GET /api/status`. Event `change`: of each section that changed `gone`, the ids of "
                    "items to take out, and `put`, the items to add or replace. At most about four a second. Sent with `Last-Event-ID`, "
                    "the id of the last one seen, what lies between comes as one change, or a snapshot when it is not known any more.";
  doc.parameters = {{.name = "Last-Event-ID", .in = In::header, .description = "Id of the last event seen"}};
  return doc;
}

}  // namespace tidemark::commands::builds::endpoint::docs
