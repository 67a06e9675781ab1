// GET /streams/:domain/:subject, and /streams/:domain?subject= for subjects that cannot stand in a path.

#include "core/api/preconditions.hpp"
#include "core/api/read_your_writes.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/api/token.hpp"
#include "core/base/bytes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"
#include "core/runtime/domain_index.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::api {
namespace {

constexpr std::uint64_t kEventsMax = 1000;
constexpr std::uint64_t kEventsUsual = 100;
constexpr std::size_t kPageBytesMax = 1u << 20;

/// Which list a cursor is a place in.
std::string list_hash(std::string_view domain, std::string_view subject) {
  return sha256(std::to_string(domain.size()) + ':' + std::string(domain) + std::string(subject)).substr(0, 8);
}

std::string encode_cursor(const PlatformServices& services, std::string_view list, const runtime::StreamOrder& order) {
  Token token{services.node.log().epoch(), std::string(list)};
  put_varint(token.payload, order.lane.value);
  put_varint(token.payload, order.decision.decision.value);
  put_varint(token.payload, order.decision.index);
  return make_token(TokenKind::stream, token, services.position_tag);
}

/// The refusal when the cursor is no place in this list.
std::optional<http::Response> read_cursor(const PlatformServices& services, std::string_view text, std::string_view list,
                                          std::optional<runtime::StreamOrder>& out) {
  const auto token = open_token(TokenKind::stream, text, services.position_tag);
  if (!token.ok()) return refuse_token("cursor", token.error());
  if (token->epoch != services.node.log().epoch()) return refuse_other_log("cursor");
  ByteReader in(token->payload);
  if (in.take(list.size()) != list) return problem(400, "cursor-of-another-query", "Cursor of another query", "The cursor is a place in another list");
  out.emplace();
  out->lane = LaneId{static_cast<std::uint32_t>(in.varint())};
  out->decision.decision = Tmseq{in.varint()};
  out->decision.index = static_cast<std::uint32_t>(in.varint());
  return std::nullopt;
}

struct Page {
  std::string events;  ///< JSON array
  std::optional<runtime::StreamOrder> last;
  bool whole = true;   ///< every entry given is in it
};

/// Blocks.
Result<Page> read_page(log::EventLog& log, const std::vector<runtime::StreamEntry>& entries) {
  Page page;
  event::JsonWriter writer(page.events);
  writer.begin_array();
  for (const auto& entry : entries) {
    if (page.events.size() > kPageBytesMax) {
      page.whole = false;
      break;
    }
    const auto topic = topic_id(log, entry.place.topic);
    if (!topic) return make_error(Code::internal, "an index names a topic that the log does not have");
    if (entry.place.at < log.begin(*topic, entry.place.lane)) {
      return make_error(Code::not_found, entry.place.topic + " no longer holds an event of this stream");
    }
    const auto event = runtime::read_event(log, *topic, entry.place.topic, entry.place.lane, entry.place.at);
    if (!event.ok()) return event.error();
    writer.raw(event::to_cloudevent(*event));
    page.last = entry.order;
  }
  writer.end_array();
  return page;
}

Task<http::Response> stream(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  runtime::Node& node = services->node;
  const std::string domain(request.param("domain"));
  const std::string subject = request.param("subject").empty() ? request.query("subject").value_or("") : std::string(request.param("subject"));
  if (find_domain(node, domain) == nullptr) co_return problem(404, "no-such-domain", "No such domain", "GET /topics shows their topics");
  if (subject.empty() || !is_utf8(subject)) co_return problem(400, "bad-query", "Bad query", "Name the subject, in UTF-8");
  const auto limit = parse_number(request.query("limit").value_or(std::to_string(kEventsUsual)));
  if (!limit || *limit == 0 || *limit > kEventsMax) {
    co_return problem(400, "bad-query", "Bad query", "limit is a number from 1 to " + std::to_string(kEventsMax));
  }
  const std::string list = list_hash(domain, subject);
  std::optional<runtime::StreamOrder> after;
  if (const auto cursor = request.query("cursor")) {
    if (auto refusal = read_cursor(*services, *cursor, list, after)) co_return std::move(*refusal);
  }
  const std::string index = runtime::index_name(domain);
  auto waiting = honour_at_least(node, services->position_tag, request, index);
  auto behind = co_await std::move(waiting);
  if (behind) co_return std::move(*behind);

  const auto rows = node.projection_snapshot(index);
  auto entries = runtime::list_stream(*rows, domain, subject, after, *limit + 1);
  const auto version = runtime::stream_version(*rows, subject);
  if (entries.empty() && !after) co_return problem(404, "no-such-stream", "No such stream", "No numbered event concerns this subject");
  const bool more = entries.size() > *limit;
  if (more) entries.pop_back();
  auto read = [&log = node.log(), entries = std::move(entries)] { return read_page(log, entries); };
  auto running = run_on(services->blocking, node.scheduler(), std::move(read));
  auto page = co_await running;
  if (!page.ok()) {
    const bool gone = page.error().code == Code::not_found;
    co_return problem(gone ? 410 : 500, gone ? "retention-cut" : "unreadable", gone ? "Cut by retention" : "Unreadable", page.error().message);
  }
  if (page->last) after = page->last;

  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("domain", domain).member("subject", subject).key("version");
  if (version) writer.value(*version);
  else writer.null();
  writer.key("events").raw(page->events);
  writer.member("next", encode_cursor(*services, list, *after)).member("end", !more && page->whole).end_object();
  http::Response response = http::json_response(200, std::move(json));
  response.header("Cache-Control", "no-store");
  if (version) response.header("ETag", entity_tag(*version));
  co_return response;
}

http::Route stream_route(Shared services, std::string pattern) {
  http::Route route;
  route.pattern = std::move(pattern);
  route.handler = [services](http::Request& request) { return stream(services, request); };
  route.doc = stream_doc();
  return route;
}

}  // namespace

http::Route stream_by_path_route(Shared services) { return stream_route(std::move(services), "/streams/:domain/:subject"); }
http::Route stream_by_query_route(Shared services) {
  http::Route route = stream_route(std::move(services), "/streams/:domain");
  route.doc.parameters.push_back({"subject", http::ParameterDoc::In::query, "For a subject that cannot stand in a path, such as one with a slash", true});
  return route;
}

}  // namespace tidemark::api
