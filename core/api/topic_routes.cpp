// GET /topics and GET /topics/:topic/lanes/:lane/records.

#include <algorithm>
#include <charconv>

#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"
#include "core/event/record.hpp"

namespace tidemark::api {
namespace {

constexpr std::uint64_t kRecordsMax = 1000;
constexpr std::size_t kPageBytesMax = 1u << 20;

Task<http::Response> topics(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  log::EventLog& log = services->node.log();
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("epoch", to_string(log.epoch())).member("lanes", log.lanes()).key("topics").begin_array();
  for (const log::TopicSpec& spec : log.topics()) {
    const auto id = log.open_topic(spec);
    if (!id.ok()) continue;
    writer.begin_object().member("name", spec.name).member("class", log::name_of(spec.topic_class)).key("retention_ms");
    if (spec.retention) writer.value(spec.retention->count());
    else writer.null();
    writer.key("retention_bytes");
    if (spec.retention_bytes) writer.value(*spec.retention_bytes);
    else writer.null();
    writer.key("lanes").begin_array();
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      writer.begin_object().member("begin", log.begin(*id, LaneId{lane}).value);
      writer.member("end", log.end(*id, LaneId{lane}).value).end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array().end_object();
  co_return http::json_response(200, std::move(json));
}

struct Page {
  std::string ndjson;
  Tmseq next;
};

/// Appends one line per record from `from` on. Blocks.
Result<Page> read_page(const log::EventLog& log, log::TopicId topic, LaneId lane, Tmseq from, std::uint64_t limit) {
  Page page;
  page.next = from;
  auto batches = log.read(topic, lane, from, kPageBytesMax);
  if (!batches.ok()) return batches.take_error();
  for (const log::StoredBatch& batch : *batches) {
    auto reader = log::RecordBatchReader::open(batch.view());
    if (!reader.ok()) return reader.take_error();
    for (Tmseq at = batch.first; !reader->done(); at = at.next()) {
      const auto record = reader->next();
      if (!record.ok()) return record.error();
      if (at < page.next) continue;
      if (limit-- == 0) return page;
      const auto event = event::decode_record(*record);
      if (!event.ok()) return event.error();
      const std::size_t line = page.ndjson.size();
      event::encode_cloudevent(event->envelope, event->data, page.ndjson);
      // A client of the commands topic may have sent its data with line ends; in JSON they are only ever white space.
      std::replace(page.ndjson.begin() + static_cast<std::ptrdiff_t>(line), page.ndjson.end(), '\n', ' ');
      page.ndjson += '\n';
      page.next = at.next();
    }
  }
  return page;
}

Task<http::Response> records(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  log::EventLog& log = services->node.log();
  const auto lane = parse_number(request.param("lane"));
  const auto from = parse_number(request.query("from").value_or("0"));
  const auto limit = parse_number(request.query("limit").value_or("500"));
  if (!lane || *lane >= log.lanes()) {
    co_return problem(404, "no-such-lane", "No such lane", "Lanes are 0 to " + std::to_string(log.lanes() - 1));
  }
  if (!from || !limit || *limit == 0 || *limit > kRecordsMax) {
    co_return problem(400, "bad-query", "Bad query", "from is a number from 0, limit one from 1 to " + std::to_string(kRecordsMax));
  }
  const auto specs = log.topics();
  const auto spec = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.name == request.param("topic"); });
  if (spec == specs.end()) co_return problem(404, "no-such-topic", "No such topic", "GET /topics lists them");
  const auto topic = log.open_topic(*spec);
  if (!topic.ok()) co_return problem(500, "internal", "Internal error", topic.error().message);

  auto read = [&log, topic = *topic, lane = LaneId{static_cast<std::uint32_t>(*lane)}, from = Tmseq{*from}, limit = *limit] {
    return read_page(log, topic, lane, from, limit);
  };
  auto running = run_on(services->blocking, services->node.scheduler(), std::move(read));
  auto page = co_await running;
  if (!page.ok()) {
    const bool cut = page.error().code == Code::not_found;
    co_return problem(cut ? 410 : 500, cut ? "retention-cut" : "unreadable", cut ? "Cut by retention" : "Unreadable",
                      page.error().message);
  }
  http::Response response;
  response.header("Content-Type", "application/x-ndjson").header("Cache-Control", "no-store");
  response.header("Tidemark-Next", std::to_string(page->next.value));
  response.body = std::move(page->ndjson);
  co_return response;
}

http::Route operator_route(std::string pattern, http::RouteDoc doc, http::Handler handler) {
  http::Route route;
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  route.doc = std::move(doc);
  route.doc.tags = {"log"};
  route.doc.answers.push_back(http::problem_doc(401, "No operator key"));
  route.doc.answers.push_back(http::problem_doc(403, "Not the operator key"));
  route.doc.credentials = {"operator"};
  return route;
}

http::RouteDoc topics_doc() {
  const std::string lane = http::object_schema({{"begin", "uint"}, {"end", "uint"}});
  const std::string topic = http::object_schema({{"name", "string"}, {"class", "string"}, {"retention_ms", "integer|null"},
                                                 {"retention_bytes", "integer|null"}, {"lanes", http::array_schema(lane)}});
  return {.summary = "Topics of the log",
          .description = "Class, retention in milliseconds and bytes (null: unbounded), and of every lane its begin and end.",
          .answers = {{200, "The topics", {{"application/json", http::object_schema({{"epoch", "string"}, {"lanes", "uint"},
                                                                                     {"topics", http::array_schema(topic)}}), {}}}}}};
}

http::RouteDoc records_doc() {
  using enum http::ParameterDoc::In;
  return {.summary = "Records of a lane",
          .description = "One structured CloudEvent per line, in order. Go on with `from` as Tidemark-Next says.",
          .parameters = {{.name = "topic", .description = "As GET /topics lists it"},
                         {.name = "lane", .description = "From 0", .schema = http::member_schema("uint")},
                         {.name = "from", .in = query, .description = "tmseq of the first record; 0 when absent", .schema = http::member_schema("uint")},
                         {.name = "limit", .in = query, .description = "Records at most; 500 when absent",
                          .schema = R"({"type":"integer","minimum":1,"maximum":1000})"}},
          .answers = {{200, "Records", {{"application/x-ndjson", {}, {}}}, {{"Tidemark-Next", "tmseq behind the last record", http::member_schema("uint")}}},
                      http::problem_doc(400, "Bad from or limit"), http::problem_doc(404, "No such topic or lane"),
                      http::problem_doc(410, "Cut by retention")}};
}

}  // namespace

http::Route topics_route(Shared services) {
  return operator_route("/topics", topics_doc(), [services](http::Request& request) { return topics(services, request); });
}

http::Route records_route(Shared services) {
  return operator_route("/topics/:topic/lanes/:lane/records", records_doc(),
                        [services](http::Request& request) { return records(services, request); });
}

}  // namespace tidemark::api
