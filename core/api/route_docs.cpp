#include "core/api/route_docs.hpp"

namespace tidemark::api {
namespace {

using In = http::ParameterDoc::In;

constexpr const char* kCloudEvent =
    R"({"$ref":"#/$defs/CloudEvent","$defs":{"CloudEvent":{"type":"object","description":"CloudEvents 1.0 in the structured JSON mode",)"
    R"("properties":{"specversion":{"const":"1.0"},"id":{"type":"string","minLength":1},"source":{"type":"string","minLength":1},)"
    R"("type":{"type":"string","minLength":1},"subject":{"type":"string"},"time":{"type":"string","format":"date-time"},)"
    R"("datacontenttype":{"type":"string"},"data":{}},"required":["specversion","id","source","type"]}}})";

constexpr const char* kDecided =
    R"({"$ref":"#/$defs/Decided","$defs":{"Decided":{"type":"object","properties":{"id":{"type":"string","description":"Command id"},)"
    R"("position":{"type":["string","null"],"description":"Where the events lie; null when nothing was recorded"},)"
    R"("events":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"type":{"type":"string"},"subject":{"type":"string"},)"
    R"("sequence":{"type":"integer","minimum":0,"description":"Absent for events that are not numbered"}},"required":["id","type","subject"]}},)"
    R"("reply":{"type":"object"}},"required":["id","events","reply"]}}})";

constexpr const char* kBatchAnswer =
    R"({"$ref":"#/$defs/BatchAnswer","$defs":{"BatchAnswer":{"type":"object","properties":{"position":{"type":["string","null"]},)"
    R"("items":{"type":"array","description":"In the order of the batch","items":{"type":"object","properties":{"status":{"type":"integer"},)"
    R"("etag":{"type":"string"},"replayed":{"type":"boolean"},"body":{"type":"object","description":"What the command alone would have been answered"}},)"
    R"("required":["status","body"]}}},"required":["position","items"]}}})";

/// The definitions in a schema of this file, without the braces around them.
std::string definition(std::string_view schema) {
  const auto begin = schema.find("\"$defs\":{") + 9;
  return std::string(schema.substr(begin, schema.size() - begin - 2));
}

http::ParameterDoc header(std::string name, std::string description) { return {std::move(name), In::header, std::move(description)}; }

std::vector<http::ParameterDoc> precondition_headers() {
  return {header("If-Match", "Entity tag of the stream that the command was decided upon, or * for any"),
          header("If-None-Match", "*: the stream has no event yet"),
          header("Tidemark-Subject", "Subject of that stream, percent-encoded; a CloudEvent's subject serves too")};
}

http::AnswerDoc decided_answer() {
  return {200, "Decided: accepted, or nothing to do", {{"application/json", kDecided, {}}},
          {{"Tidemark-Position", "For Tidemark-At-Least of a later query"}, {"ETag", "Version of the stream after the command"},
           {"Tidemark-Subject", "Whose version the ETag is"}, {"Tidemark-Replayed", "true: the answer of an earlier decision under this name"}}};
}

std::vector<http::AnswerDoc> command_answers() {
  return {decided_answer(),
          http::problem_doc(400, "Does not fit the schema; errors lists every bad field with its JSON Pointer"),
          http::problem_doc(404, "No such domain or command"),
          http::problem_doc(409, "Refused by the domain, with its reason; the domain may choose another 4xx status"),
          http::problem_doc(412, "The stream is at another version"),
          http::problem_doc(415, "The media type is none of those listed"),
          http::problem_doc(422, "The name was used with another body"),
          http::problem_doc(503, "Not applied, or outcome unknown: the member outcome says which")};
}

}  // namespace

http::RouteDoc command_doc() {
  http::RouteDoc doc;
  doc.summary = "Send a command";
  doc.description = "Plain JSON, or a CloudEvent whose type is the command of the path. Accepted means durable.";
  doc.tags = {"commands"};
  doc.parameters = precondition_headers();
  doc.parameters.push_back(header("Idempotency-Key", "Names the intention of a plain command: a repeat within the window gets the first answer"));
  doc.parameters.push_back(header("traceparent", "W3C trace context, recorded with the events"));
  doc.request = {{"application/json", R"({"type":"object"})", {}}, {"application/cloudevents+json", kCloudEvent, {}}};
  doc.request_required = false;
  doc.answers = command_answers();
  doc.credentials = {"operator"};
  return doc;
}

http::RouteDoc commands_doc() {
  http::RouteDoc doc;
  doc.summary = "Send commands as CloudEvents";
  doc.description = "One CloudEvent (structured, or binary with ce-* headers), or up to 1,000 of them. `type` is "
                    "`tidemark.<domain>.<Command>.v<n>`; `source` and `id` name the intention, so a repeat gets the first answer. "
                    "The items of a batch are independent and, in a lane, decided in their order.";
  doc.tags = {"commands"};
  doc.parameters = precondition_headers();
  const std::string many = R"({"type":"array","maxItems":1000,"items":{"$ref":"#/$defs/CloudEvent"},"$defs":{)" + definition(kCloudEvent) + "}}";
  doc.request = {{"application/cloudevents+json", kCloudEvent, {}}, {"application/cloudevents-batch+json", many, {}},
                 {"application/x-ndjson", {}, {}}, {"application/json", {}, {}}};
  doc.answers = command_answers();
  doc.answers[0].bodies[0].schema = R"({"anyOf":[{"$ref":"#/$defs/Decided"},{"$ref":"#/$defs/BatchAnswer"}],"$defs":{)";
  doc.answers[0].bodies[0].schema += definition(kDecided) + ',' + definition(kBatchAnswer) + "}}";
  doc.answers.push_back(http::problem_doc(413, "More than 1,000 commands, or too many bytes"));
  doc.credentials = {"operator"};
  return doc;
}

http::RouteDoc decision_doc() {
  http::RouteDoc doc;
  doc.summary = "The decision on a command";
  doc.description = "Whoever sent it: a client, a timer or a reactor. Says 404 only when no such command has been decided as of now.";
  doc.tags = {"commands"};
  doc.parameters = {{"id", In::path, "Command id", true, R"({"type":"string","format":"uuid"})"},
                    {"domain", In::query, "Where to look; all domains without it"},
                    header("Prefer", "wait=<seconds>: how long to wait for the index, 2 s unless said")};
  doc.answers = {{200, "The record in <domain>.decisions: verdict, command, reason or reply, events", {{"application/cloudevents+json", kCloudEvent, {}}}},
                 http::problem_doc(400, "No command id"), http::problem_doc(404, "No such decision"),
                 http::problem_doc(410, "Retention has cut the record"), http::problem_doc(503, "The index is behind")};
  doc.credentials = {"operator"};
  return doc;
}

http::RouteDoc stream_doc() {
  http::RouteDoc doc;
  doc.summary = "Events of a subject";
  doc.description = "In the order of their decisions; an event that concerns two entities is listed under both. Events of ephemeral "
                    "topics are no part of a stream.";
  doc.tags = {"events"};
  doc.parameters = {{"limit", In::query, "Events on a page", false, R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
                    {"cursor", In::query, "`next` of an earlier page"},
                    header("Tidemark-At-Least", "A Tidemark-Position that the answer must include"),
                    header("Prefer", "wait=<seconds>: how long to wait for that, 2 s unless said")};
  const std::string page = std::string(R"({"$ref":"#/$defs/StreamPage","$defs":{"StreamPage":{"type":"object","properties":{"domain":{"type":"string"},)") +
                           R"("subject":{"type":"string"},"version":{"type":["integer","null"],"description":"Sequence of the last event of its own; null when it has none"},)"
                           R"("events":{"type":"array","items":{"$ref":"#/$defs/CloudEvent"}},"next":{"type":"string"},)"
                           R"("end":{"type":"boolean","description":"Nothing lies behind this page now"}},)"
                           R"("required":["domain","subject","version","events","next","end"]},)" + definition(kCloudEvent) + "}}";
  doc.answers = {{200, "A page", {{"application/json", page, {}}}, {{"ETag", "Version of the stream, for If-Match on a command"}}},
                 http::problem_doc(400, "A parameter, cursor or position that cannot be used"), http::problem_doc(404, "No such domain or stream"),
                 http::problem_doc(409, "A cursor or position of another log"), http::problem_doc(410, "Retention has cut an event of the page"),
                 http::problem_doc(503, "The index has not applied the position in time")};
  doc.credentials = {"operator"};
  return doc;
}

http::RouteDoc events_doc() {
  http::RouteDoc doc;
  doc.summary = "Events, by page or as they happen";
  doc.description = "A page of JSON; with `Accept: text/event-stream` Server-Sent Events; with `Upgrade: websocket` and the sub-protocol "
                    "`tidemark.events.v1` messages `{\"id\",\"event\"}`. Cursors, ids and Last-Event-ID are one kind of token, bound to the filter. "
                    "Order is that of the decisions within a lane. A stream says `gap` where retention has cut events before they were read, and `reset` "
                    "when the client's id is of another log.";
  doc.tags = {"events"};
  doc.parameters = {{"domain", In::query, "Domains, between commas; these parameters filter and all must match"},
                    {"topic", In::query, "Event topics, between commas"},
                    {"type", In::query, "Types, between commas: full, or the name alone for any version"},
                    {"subject", In::query, "Subjects, between commas; matches the second subject of an event too"},
                    {"tenant", In::query, "Tenants, between commas"},
                    {"since", In::query, "Begin with what was recorded then", false, R"({"type":"string","format":"date-time"})"},
                    {"until", In::query, "Pages only: nothing recorded then or later", false, R"({"type":"string","format":"date-time"})"},
                    {"from", In::query, "begin (pages, unless said) or end (streams, unless said)", false, R"({"enum":["begin","end"]})"},
                    {"cursor", In::query, "`next` of a page, or an id of a stream"},
                    {"limit", In::query, "Events on a page", false, R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
                    header("Last-Event-ID", "The last id seen; goes before cursor"),
                    header("Tidemark-At-Least", "A Tidemark-Position that the log must show"),
                    header("Prefer", "wait=<seconds>: how long to wait for that, 2 s unless said")};
  const std::string page = std::string(R"({"$ref":"#/$defs/EventPage","$defs":{"EventPage":{"type":"object","properties":{)") +
                           R"("events":{"type":"array","items":{"$ref":"#/$defs/CloudEvent"}},"gaps":{"type":"array","items":{"$ref":"#/$defs/Gap"}},)"
                           R"("next":{"type":"string"},"end":{"type":"boolean","description":"Nothing lay behind this page; a page may be empty before the end"}},)"
                           R"("required":["events","next","end"]},"Gap":{"type":"object","properties":{"topic":{"type":"string"},"lane":{"type":"integer"},)"
                           R"("from":{"type":"integer"},"to":{"type":"integer"}},"required":["topic","lane","from","to"]},)" + definition(kCloudEvent) + "}}";
  doc.answers = {{200, "A page or a stream", {{"application/json", page, {}}, {"text/event-stream", {}, {}}}},
                 http::problem_doc(400, "A parameter, cursor or position that cannot be used"), http::problem_doc(404, "No such domain or topic"),
                 http::problem_doc(409, "A cursor or position of another log"), http::problem_doc(503, "Not ready, or the log does not show the position yet")};
  doc.credentials = {"operator"};
  return doc;
}

namespace {

constexpr const char* kProjection =
    R"({"$ref":"#/$defs/ProjectionStatus","$defs":{"ProjectionStatus":{"type":"object","properties":{"name":{"type":"string"},"version":{"type":"integer"},)"
    R"("applied":{"type":"integer","description":"Events passed"},"behind":{"type":"integer","description":"Events not yet applied"},)"
    R"("state":{"enum":["following","faulted"]},"faults":{"type":"array","items":{"type":"object","properties":{"topic":{"type":"string"},)"
    R"("lane":{"type":"integer"},"tmseq":{"type":"integer"},"event_id":{"type":"string"},"code":{"type":"string"},"error":{"type":"string"}}}},)"
    R"("skipped":{"type":"array","items":{"type":"object","properties":{"topic":{"type":"string"},"lane":{"type":"integer"},"tmseq":{"type":"integer"},)"
    R"("event_id":{"type":"string"},"reason":{"type":"string"},"actor":{"type":"string"}}}},"rebuild":{"type":["object","null"],)"
    R"("properties":{"applied":{"type":"integer"},"behind":{"type":"integer"}}},"rebuild_failure":{"type":"string"}},)"
    R"("required":["name","version","applied","behind","state","faults","skipped","rebuild"]}}})";

http::RouteDoc of_projections(std::string summary, std::string description = {}) {
  http::RouteDoc doc;
  doc.summary = std::move(summary);
  doc.description = std::move(description);
  doc.tags = {"projections"};
  doc.credentials = {"operator"};
  return doc;
}

/// An operation on the projection of the path.
http::RouteDoc on_projection(http::RouteDoc doc, int status, std::string done) {
  doc.answers = {{status, std::move(done), {{"application/json", kProjection, {}}}}, http::problem_doc(404, "No such projection"),
                 http::problem_doc(409, "Its state does not allow it now"), http::problem_doc(503, "Not now; try again")};
  return doc;
}

}  // namespace

http::RouteDoc projections_doc() {
  http::RouteDoc doc = of_projections("Every projection: progress, faults, skipped events, rebuilds");
  const std::string all = R"({"type":"object","properties":{"projections":{"type":"array","items":{"$ref":"#/$defs/ProjectionStatus"}}},"required":["projections"],"$defs":{)" +
                          definition(kProjection) + "}}";
  doc.answers = {{200, "All of them", {{"application/json", all, {}}}}};
  return doc;
}

http::RouteDoc projection_doc() {
  http::RouteDoc doc = of_projections("One projection");
  doc.answers = {{200, "Its state", {{"application/json", kProjection, {}}}}, http::problem_doc(404, "No such projection")};
  return doc;
}

http::RouteDoc projection_retry_doc() {
  return on_projection(of_projections("Try again", "Applies the events again at which the projection stopped; the answer shows whether it stopped anew."), 200, "Its state now");
}

http::RouteDoc projection_skip_doc(http::SchemaText request) {
  http::RouteDoc doc = of_projections("Leave an event out", "The event must be the one at which the projection stopped. Recorded in the log with the reason, and part of the "
                                                            "model: every rebuild leaves it out too.");
  doc.request = {{"application/json", std::move(request), {}}};
  doc = on_projection(std::move(doc), 200, "Its state now");
  doc.answers.push_back(http::problem_doc(400, "The body does not fit"));
  return doc;
}

http::RouteDoc projection_rebuild_doc() {
  return on_projection(of_projections("Build anew from the log", "Beside the live rows, which answer until the new ones are not behind them."), 202, "Begun");
}

http::RouteDoc health_doc() {
  http::RouteDoc doc;
  doc.summary = "Health";
  doc.description = "One word for everybody; with the operator key also version, log, and every projection.";
  doc.tags = {"health"};
  const std::string schema = std::string(R"({"type":"object","properties":{"status":{"enum":["ok","degraded","starting","failed"]},"version":{"type":"string"},)") +
                             R"("epoch":{"type":"string"},"lanes":{"type":"integer"},"failure":{"type":"string"},)"
                             R"("projections":{"type":"array","items":{"$ref":"#/$defs/ProjectionStatus"}}},"required":["status"],"$defs":{)" + definition(kProjection) + "}}";
  doc.answers = {{200, "ok, or degraded: it answers, and a projection has stopped", {{"application/json", schema, {}}}},
                 {503, "starting or failed", {{"application/json", schema, {}}}}, http::problem_doc(403, "Wrong operator key")};
  return doc;
}

}  // namespace tidemark::api
