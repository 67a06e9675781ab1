#pragma once
// Which events a reader of /events wants.
//
//   domain=builds,chat  topic=builds.ledger  type=BuildSubmitted  subject=b1,b2  tenant=acme  since=, until= (RFC 3339)
//
// A parameter that is not given matches everything, several values of one match any, all parameters must match. `type` is a full
// type or its name alone, in any version; `subject` matches events that name it second too. The platform's own events
// (tidemark.platform.*) are shown only when `type` asks for them. `since` is where reading begins and `until` where it ends, by
// recorded time.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/event/envelope.hpp"
#include "core/http/http.hpp"

namespace tidemark::api {

struct EventFilter {
  std::vector<std::string> domains, topics, types, subjects, tenants;  ///< sorted, each once; empty: any
  std::optional<Time> since, until;

  bool wants_topic(std::string_view topic) const;  ///< full name
  /// `second` is the second subject of the event, or "".
  bool matches(const event::Event& event, std::string_view second) const;
  /// The same text for the same filter, for no other: what cursors are bound to. `since` is no part of it, as it only says
  /// where to begin.
  std::string canonical() const;
};

/// The filter in the query of a request; the refusal when it makes no sense.
std::optional<http::Response> read_filter(const http::Request& request, EventFilter& out);

}  // namespace tidemark::api
