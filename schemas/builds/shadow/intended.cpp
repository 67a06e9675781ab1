// The contract's allow-list, D1 to D16: each as narrow as the words allow.

#include <array>
#include <cmath>
#include <optional>

#include "schemas/builds/shadow/rule.hpp"

namespace tidemark::schemas::builds::shadow {
namespace {

using event::JsonNode;
using tidemark::shadow::Route;

bool has(const Exchange& x, std::string_view header) { return x.request.header(header).has_value(); }
bool status(const Difference& d, const Exchange& x, int primary, int shadow) {
  return d.where == Where::status && x.primary.status == primary && x.shadow.status == shadow;
}
bool in_body(const Difference& d) { return d.where == Where::body; }
bool is_post(const Exchange& x, std::string_view path) { return x.is("POST", path); }
bool is_get(const Exchange& x, std::string_view path) { return x.is("GET", path); }

bool is_stats(const Exchange& x) { return is_get(x, "/api/stats") || is_get(x, "/public/stats"); }
bool is_health(const Exchange& x) { return is_get(x, "/health") || is_get(x, "/api/health"); }
bool is_outcome(const Exchange& x) {
  return is_post(x, "/api/workers/upload") || is_post(x, "/api/workers/result") || is_post(x, "/api/workers/fail") ||
         is_post(x, "/api/builds/:id/artifact");
}
bool is_build_read(const Exchange& x) {
  return x.route && x.route->method == "GET" && (x.route->path.starts_with("/api/builds/:id") || x.route->path == "/api/builds" ||
                                                 x.route->path == "/api/builds/active");
}
bool begins(JsonNode node, std::string_view with) { return text_of(node).starts_with(with); }

constexpr std::string_view kTimeout = "Build timeout";

// D1
bool invented_stats(const Exchange& x, const Difference& d, const Memory&) {
  if (!is_stats(x) || !in_body(d) || d.kind != Kind::changed || !d.primary.as_double() || !d.shadow.as_double()) return false;
  const auto finished = x.shadow_json["totalBuilds"].as_int64();
  return finished && *finished <= 10;  // from there on its numbers are real, too
}

// D2
bool signs_of_life(const Exchange& x, const Difference& d, const Memory&) {
  return status(d, x, 500, 200) && (is_post(x, "/api/builds/:id/heartbeat") || is_post(x, "/api/builds/:id/telemetry"));
}

// D3
bool cancel_without_body(const Exchange& x, const Difference& d, const Memory&) {
  if (!is_post(x, "/api/builds/:id/cancel") || x.request.body.size_bytes() != 0 || x.primary.status != 400) return false;
  if (d.where == Where::status) return x.shadow.status == 200 || x.shadow.status == 404;
  return in_body(d) && error_text(x.shadow_json) == "Build already finished";
}

// D4
bool cancelled_stays_in_queue(const Exchange& x, const Difference& d, const Memory& memory) {
  if (is_get(x, "/api/workers/poll") && in_body(d) && d.at.starts_with("/job")) {
    const auto given = text_of(x.primary_json["job"]["id"]);
    const BuildNote* build = given.empty() ? nullptr : memory.find(given);
    return build && build->cancelled && text_of(x.shadow_json["job"]["id"]) != given;
  }
  const bool queue_length = (is_health(x) && (d.at == "/queue/pending" || d.at == "/queue/total")) || (is_stats(x) && d.at == "/buildsQueued");
  if (!queue_length || !in_body(d)) return false;
  const auto primary = d.primary.as_int64(), shadow = d.shadow.as_int64();
  return primary && shadow && *primary > *shadow && static_cast<std::uint64_t>(*primary - *shadow) <= memory.cancelled_unassigned();
}

// D5
bool outcome_is_final(const Exchange& x, const Difference& d, const Memory&) {
  if (!is_outcome(x) || d.where != Where::status) return false;
  if (x.primary.status == 200 && x.shadow.status == 409) return error_text(x.shadow_json) == "Build already finished";
  // The host's report without a file, after its VM has uploaded the artifact.
  return x.primary.status == 400 && x.shadow.status == 200 && is_post(x, "/api/workers/upload") && form_field(x.request, "success") == "true" &&
         !form_has_file(x.request, "result");
}

// D6
bool pending_is_refused(const Exchange& x, const Difference& d, const Memory& memory) {
  const bool guarded = is_get(x, "/api/builds/:id/source") || is_get(x, "/api/builds/:id/certs") || is_post(x, "/api/builds/:id/logs");
  if (!guarded || !status(d, x, 200, 403) || !has(x, "x-worker-id")) return false;
  const BuildNote* build = memory.find(x.path_value());
  return error_text(x.shadow_json) == "Worker not authorized for this build" && (!build || !build->given);
}

// D7
bool one_credential_is_enough(const Exchange& x, const Difference& d, const Memory&) {
  if (!x.route || !x.route->path.starts_with("/api/builds/:id") || d.where != Where::status) return false;
  if (x.primary.status != 401 && x.primary.status != 403) return false;
  return has(x, "x-build-token") && !has(x, "x-worker-id") && x.shadow.status != 401 && x.shadow.status != 403;
}
bool key_is_enough(const Exchange& x, const Difference& d, const Memory&) {
  if (!x.route || !x.route->path.starts_with("/api/builds/:id") || d.where != Where::status) return false;
  if (x.primary.status != 401 && x.primary.status != 403) return false;
  return has(x, "x-api-key") && !has(x, "x-build-token") && !has(x, "x-worker-id") && x.shadow.status != 401 && x.shadow.status != 403;
}

// D8
bool oversize_result(const Exchange& x, const Difference& d, const Memory&) { return is_outcome(x) && status(d, x, 500, 413); }

// D9
bool unknown_there(const Exchange& x, const Difference& d, const Memory&) {
  if (!x.route || d.where != Where::status || x.primary.status != 404) return false;
  constexpr std::array<std::string_view, 8> kKnown{"Build not found", "Worker not found", "Certs not found", "Build or file not found",
                                                   "Build result not found", "No diagnostic reports found", "Source not found", "File not found"};
  // What the old routes say when a thing is missing; their router says something else about a path that it does not have.
  const std::string_view text = error_text(x.primary_json);
  for (const std::string_view known : kKnown) {
    if (text == known) return false;
  }
  return true;
}

// D10
bool additive_registration(const Exchange& x, const Difference& d, const Memory&) {
  return is_post(x, "/api/workers/register") && in_body(d) && d.kind == Kind::only_shadow &&
         (d.at == "/access_token" || d.at == "/baseImageId" || d.at == "/message");
}

// D11
bool partial_answer(const Exchange& x, const Difference& d, const Memory&) {
  if (d.where != Where::status || x.primary.status != 200) return false;
  const bool range = has(x, "range") && (x.shadow.status == 206 || x.shadow.status == 416);
  return range || (x.shadow.status == 304 && (has(x, "if-none-match") || has(x, "if-modified-since")));
}

// D12
bool no_disk_path(const Exchange& x, const Difference& d, const Memory&) {
  return is_health(x) && in_body(d) && d.at == "/storage/path" && d.primary.is_string() && d.shadow.is_string();
}

// D14
bool needs_credentials(const Exchange& x, const Difference& d, const Memory&) {
  const bool route = is_post(x, "/api/workers/upload") || is_post(x, "/api/workers/result") || is_post(x, "/api/workers/fail") ||
                     is_post(x, "/api/workers/heartbeat") || is_post(x, "/api/builds/:id/heartbeat");
  return route && d.where == Where::status && x.primary.status / 100 == 2 && x.shadow.status == 401 && !has(x, "x-api-key") &&
         !has(x, "x-worker-token") && !has(x, "x-vm-token");
}

// D15: what a timeout that one side has declared, or declared later, makes of an answer.
bool timers(const Exchange& x, const Difference& d, const Memory&) {
  if (is_build_read(x) && in_body(d)) {
    const JsonNode p = d.primary_parent["error_message"], s = d.shadow_parent["error_message"];
    if (d.name == "error_message" && begins(d.primary, kTimeout) && begins(d.shadow, kTimeout)) return true;
    if (begins(p, kTimeout) != begins(s, kTimeout)) {
      return d.name == "status" || d.name == "error_message" || d.name == "completed_at" || d.name == "completedAt";
    }
    if (is_get(x, "/api/builds/:id/logs") && d.kind != Kind::changed) {
      return begins(d.primary["message"], kTimeout) || begins(d.shadow["message"], kTimeout);
    }
  }
  if (is_get(x, "/api/workers/:id/stats") && in_body(d) && d.name == "status") {
    return text_of(d.shadow) == "offline" && text_of(d.primary) == "idle";
  }
  return d.where == Where::status && x.primary.status == 403 && x.shadow.status / 100 == 2 && has(x, "x-vm-token") &&
         error_text(x.primary_json) == "VM token expired";
}

// D16
bool not_the_owner(const Exchange& x, const Difference& d, const Memory&) {
  return is_outcome(x) && status(d, x, 200, 403) && error_text(x.shadow_json) == "Build not assigned to this worker";
}

// The state of a build that a rule has parted, wherever it is shown.
bool is_state_of_build(const Difference& d) {
  constexpr std::array<std::string_view, 8> kStates{"status",     "error_message", "worker_id",   "worker_name",
                                                    "started_at", "completed_at",  "completedAt", "has_result"};
  for (const std::string_view name : kStates) {
    if (d.name == name) return true;
  }
  return false;
}

bool parted(const Memory& memory, std::string_view build) {
  const BuildNote* note = build.empty() ? nullptr : memory.find(build);
  return note && !note->parted_by.empty();
}

bool follows_state(const Exchange& x, const Difference& d, const Memory& memory) {
  if (!x.route) return false;
  const std::string_view build = build_of(x);
  if (is_build_read(x)) {
    if (!build.empty()) return parted(memory, build) && (!in_body(d) || is_state_of_build(d) || d.at.starts_with("/logs/"));
    const JsonNode item = d.primary ? d.primary : d.shadow;  // a whole element, or one of its members
    const std::string_view id = text_of(item["id"]).empty() ? text_of((d.primary ? d.primary_parent : d.shadow_parent)["id"]) : text_of(item["id"]);
    return in_body(d) && parted(memory, id) && (d.kind != Kind::changed || is_state_of_build(d));
  }
  return d.where == Where::status && x.route->method == "POST" && parted(memory, build);
}

bool follows_counts(const Exchange& x, const Difference& d, const Memory& memory) {
  const bool counts = is_health(x) || is_stats(x) || is_get(x, "/api/builds/statistics") || is_get(x, "/api/workers/:id/stats");
  if (!counts || !in_body(d) || d.kind != Kind::changed || memory.parted() == 0) return false;
  const auto primary = d.primary.as_int64(), shadow = d.shadow.as_int64();
  return primary && shadow && static_cast<std::uint64_t>(std::llabs(*primary - *shadow)) <= memory.parted();
}

constexpr std::array kIntended = std::to_array<Rule>({
    {"D1-real-stats", "TypeScript invents public statistics until more than 10 builds have finished", kTypeScript, false, invented_stats},
    {"D2-signs-of-life", "TypeScript answers 500 to every heartbeat and telemetry that it takes", kTypeScript, true, signs_of_life},
    {"D3-cancel-without-body", "TypeScript refuses a cancel whose JSON body is empty", kTypeScript, true, cancel_without_body},
    {"D4-cancelled-leaves-queue", "the old queues keep and hand out builds that were cancelled while pending", kLegacy, true, cancelled_stays_in_queue},
    {"D5-outcome-is-final", "the old controllers let an outcome be overwritten, and refuse the report after an artifact", kLegacy, true, outcome_is_final},
    {"D6-pending-is-closed", "TypeScript shows a pending build's files to any worker", kTypeScript, false, pending_is_refused},
    {"D7-token-is-enough", "TypeScript wants the API key beside a build token", kTypeScript, false, one_credential_is_enough},
    {"D7-key-is-enough", "late Elixir wants the build token beside the API key", kElixir, false, key_is_enough},
    {"D8-oversize-result", "TypeScript answers 500 to a result that is too large", kTypeScript, false, oversize_result},
    {"D9-extra-routes", "the primary does not have the route", kLegacy, true, unknown_there},
    {"D10-registration", "members that are added to the answer to a registration", kLegacy, false, additive_registration},
    {"D11-ranges", "ranges and conditions of downloads are honoured", kLegacy, false, partial_answer},
    {"D12-no-disk-path", "the storage's label is no path", kLegacy, false, no_disk_path},
    {"D14-credentials", "late Elixir takes outcomes and heartbeats from anyone", kElixir, true, needs_credentials},
    {"D15-timers", "other limits of silence and token lifetimes", kLegacy, true, timers},
    {"D16-owner-only", "the old controllers take a result from a worker that does not own the build", kLegacy, true, not_the_owner},
    {"after-parting", "the state of a build that one of D2 to D16 has parted", kLegacy, false, follows_state},
    {"after-parting-counts", "counts that are off by no more than the builds that were parted", kLegacy, false, follows_counts},
});

}  // namespace

std::span<const Rule> intended_differences() { return kIntended; }

}  // namespace tidemark::schemas::builds::shadow
