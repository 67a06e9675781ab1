#pragma once
// Following /events over Server-Sent Events or a WebSocket. Both carry the same items under the same ids:
//
//   an event      its structured CloudEvent
//   "gap"         {"topic","lane","from","to"}: retention cut these before they were read; the stream goes on behind them
//   "reset"       {"epoch"}: the id that the client came with is of another log; what it knows is void, all of this log follows
//   an id alone   after 15 s without anything: nothing else has happened for this filter until there
//
// On a WebSocket an item is {"id","event":{...}}, {"id","gap":{...}}, {"id","reset":{...}} or {"id"}.

#include <memory>
#include <optional>
#include <string>

#include "core/api/event_hub.hpp"
#include "core/http/http.hpp"

namespace tidemark::api {

inline constexpr std::string_view kEventsProtocol = "tidemark.events.v1";

/// Where a follower begins.
struct FollowFrom {
  std::optional<EventPosition> position;  ///< nullopt: with what happens from now on
  bool reset = false;                     ///< tell it first that it begins anew
};

/// What all followers share. The hub is made when the first comes, since a node knows its topics only once it has started.
struct Following {
  runtime::Node& node;
  Executor& blocking;
  runtime::PositionTag tag;
  std::unique_ptr<EventHub> hub;

  EventHub& open();
};

http::Response follow_by_sse(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from);
http::Response follow_by_websocket(std::shared_ptr<Following> following, EventFilter filter, FollowFrom from);

}  // namespace tidemark::api
