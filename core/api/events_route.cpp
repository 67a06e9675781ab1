// GET /events: a page, a Server-Sent Events stream (Accept: text/event-stream) or a WebSocket (Upgrade).

#include <algorithm>

#include "core/api/event_stream.hpp"
#include "core/api/read_your_writes.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/api/token.hpp"
#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

constexpr std::uint64_t kEventsMax = 1000;
constexpr std::uint64_t kEventsUsual = 100;
constexpr Duration kLogIsBehind = std::chrono::milliseconds(10);

bool mentions(std::optional<std::string_view> header, std::string_view word) {
  if (!header) return false;
  return std::search(header->begin(), header->end(), word.begin(), word.end(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? char(a + 32) : a) == b; }) !=
         header->end();
}

http::Response bad_query(std::string detail) { return problem(400, "bad-query", "Bad query", std::move(detail)); }

http::Response refuse_cursor(const Error& error) {
  if (error.code == Code::version_conflict) {
    return problem(400, "cursor-of-another-query", "Cursor of another query", "The cursor goes with the filter that it was given out for");
  }
  if (error.code == Code::not_found) return refuse_other_log("cursor");
  return refuse_token("cursor", error);
}

/// Filters that name what is not there are mistakes, not empty lists.
std::optional<http::Response> refuse_unknown(runtime::Node& node, const EventFeed& feed, const EventFilter& filter) {
  for (const auto& domain : filter.domains) {
    if (find_domain(node, domain) == nullptr) return problem(404, "no-such-domain", "No such domain", "There is no domain " + domain);
  }
  for (const auto& topic : filter.topics) {
    const bool known = std::any_of(feed.topics().begin(), feed.topics().end(), [&](const FeedTopic& t) { return t.name == topic; });
    if (!known) return problem(404, "no-such-topic", "No such topic", "There is no event topic " + topic);
  }
  return std::nullopt;
}

/// Waits until the log shows the position here.
Task<std::optional<http::Response>> wait_for_log(Shared services, runtime::Position position, Duration patience) {
  runtime::Node& node = services->node;
  log::EventLog& log = node.log();
  const SteadyTime deadline = node.scheduler().now() + patience;
  for (;;) {
    const bool shown = std::all_of(position.parts.begin(), position.parts.end(), [&](const runtime::PositionPart& part) {
      const auto topic = topic_id(log, part.topic);
      return !topic || part.last < log.end(*topic, part.lane);
    });
    if (shown) co_return std::nullopt;
    if (node.scheduler().now() >= deadline) {
      http::Response response = problem(503, "read-model-behind", "Log behind", "The log does not show the position here yet");
      response.header("Retry-After", "1");
      co_return response;
    }
    auto sleeping = sleep_for(node.scheduler(), kLogIsBehind);
    co_await std::move(sleeping);
  }
}

struct Query {
  EventFilter filter;
  std::uint64_t limit = kEventsUsual;
  std::optional<std::string> cursor;
  bool from_end = false, from_begin = false;
};

std::optional<http::Response> read_query(const http::Request& request, Query& out) {
  if (auto refusal = read_filter(request, out.filter)) return refusal;
  const auto limit = parse_number(request.query("limit").value_or(std::to_string(kEventsUsual)));
  if (!limit || *limit == 0 || *limit > kEventsMax) return bad_query("limit is a number from 1 to " + std::to_string(kEventsMax));
  out.limit = *limit;
  if (const auto from = request.query("from")) {
    out.from_begin = *from == "begin";
    out.from_end = *from == "end";
    if (!out.from_begin && !out.from_end) return bad_query("from is begin or end");
  }
  if (request.header_count("Last-Event-ID") > 1) return bad_query("Last-Event-ID may be given once");
  out.cursor = request.query("cursor");
  if (const auto id = request.header("Last-Event-ID"); id && !id->empty()) out.cursor = std::string(*id);
  if (out.filter.since && (out.from_begin || out.from_end)) return bad_query("since and from exclude each other");
  return std::nullopt;
}

Task<http::Response> follow(Shared services, std::shared_ptr<Following> following, Query query, bool websocket) {
  const auto feed = following->open().feed();
  if (query.filter.until) co_return bad_query("until ends a page, not a stream");
  if (query.filter.since && *query.filter.since > services->node.scheduler().wall()) co_return bad_query("since lies in the future: a stream begins at once");
  FollowFrom from;
  if (query.cursor) {
    auto position = decode_cursor(*feed, query.filter, *query.cursor, services->position_tag);
    if (position.ok()) {
      from.position = std::move(*position);
    } else if (position.error().code == Code::not_found) {
      from.position = feed->begin();
      from.reset = true;
    } else {
      co_return refuse_cursor(position.error());
    }
  } else if (query.filter.since) {
    auto seek = [feed, filter = query.filter] { return feed->seek(filter, *filter.since); };
    auto running = run_on(services->blocking, services->node.scheduler(), std::move(seek));
    auto position = co_await running;
    if (!position.ok()) co_return problem(500, "unreadable", "Unreadable", position.error().message);
    from.position = std::move(*position);
  } else if (query.from_begin) {
    from.position = feed->begin();
  }
  auto respond = websocket ? follow_by_websocket : follow_by_sse;
  co_return respond(std::move(following), std::move(query.filter), std::move(from));
}

std::string page_json(const EventFeed& feed, const FeedPage& page, const std::string& next) {
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().key("events").begin_array();
  for (const FeedEvent& event : page.events) writer.raw(event::to_cloudevent(event.event));
  writer.end_array();
  if (!page.gaps.empty()) {
    writer.key("gaps").begin_array();
    for (const FeedGap& gap : page.gaps) writer.raw(gap_json(feed, gap));
    writer.end_array();
  }
  writer.member("next", next).member("end", page.at_end).end_object();
  return json;
}

Task<http::Response> page(Shared services, std::shared_ptr<Following> following, Query query) {
  const auto feed = following->open().feed();
  std::optional<EventPosition> from;
  if (query.cursor) {
    auto position = decode_cursor(*feed, query.filter, *query.cursor, services->position_tag);
    if (!position.ok()) co_return refuse_cursor(position.error());
    from = std::move(*position);
  } else if (query.from_end) {
    from = feed->end();
  } else if (!query.filter.since) {
    from = feed->begin();
  }
  auto read = [feed, filter = query.filter, limit = query.limit, from = std::move(from)]() -> Result<FeedPage> {
    auto begin = from ? Result<EventPosition>(*from) : feed->seek(filter, *filter.since);
    if (!begin.ok()) return begin.take_error();
    FeedLimits limits;
    limits.events_max = limit;
    return feed->read(std::move(*begin), filter, limits);
  };
  auto running = run_on(services->blocking, services->node.scheduler(), std::move(read));
  const auto found = co_await running;
  if (!found.ok()) co_return problem(500, "unreadable", "Unreadable", found.error().message);
  http::Response response =
      http::json_response(200, page_json(*feed, *found, encode_cursor(*feed, query.filter, found->reached, services->position_tag)));
  response.header("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> events(Shared services, std::shared_ptr<Following> following, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  if (!services->node.ready()) {
    http::Response response = problem(503, "unavailable", "Not ready", "The node is starting or stopping");
    response.header("Retry-After", "1");
    co_return response;
  }
  Query query;
  if (auto refusal = read_query(request, query)) co_return std::move(*refusal);
  if (auto refusal = refuse_unknown(services->node, *following->open().feed(), query.filter)) co_return std::move(*refusal);
  runtime::Position at_least;
  if (auto refusal = read_at_least(request, services->position_tag, services->node.log().epoch(), at_least)) co_return std::move(*refusal);
  const bool websocket = mentions(request.header("Upgrade"), "websocket"), sse = mentions(request.header("Accept"), "text/event-stream");
  auto waiting = wait_for_log(services, std::move(at_least), patience_of(request));
  auto behind = co_await std::move(waiting);
  if (behind) co_return std::move(*behind);
  auto answering = websocket || sse ? follow(services, std::move(following), std::move(query), websocket)
                                    : page(services, std::move(following), std::move(query));
  co_return co_await std::move(answering);
}

}  // namespace

http::Route events_route(Shared services) {
  std::shared_ptr<Following> following;
  if (services) following = std::make_shared<Following>(Following{services->node, services->blocking, services->position_tag, nullptr});
  http::Route route;
  route.pattern = "/events";
  route.handler = [services, following](http::Request& request) { return events(services, following, request); };
  route.doc = events_doc();
  return route;
}

}  // namespace tidemark::api
