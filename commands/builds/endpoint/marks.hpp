#pragma once
// When a build's last mark was put on builds.activity: the owner's memory keeps that topic to one mark in a while.

#include "commands/builds/endpoint/api.hpp"
#include "commands/builds/queries.hpp"

namespace tidemark::commands::builds::endpoint {

inline bool is_mark_due(const Api& api, const runtime::OwnerView& view, const std::optional<std::int64_t>& last_mark_at) {
  return builds::is_mark_due(api.services.settings, to_ms(view.now), last_mark_at);
}

/// Remembers the mark that a decision has put there, if it has.
///   is_mark  short name of the event that is one
inline void remember_mark(Api& api, const runtime::Outcome& outcome, std::string_view build_id, std::string_view is_mark, std::int64_t at) {
  if (outcome.kind != runtime::Outcome::Kind::accepted) return;
  for (const runtime::RecordedEvent& event : outcome.events) {
    if (event.type.find('.' + std::string(is_mark) + '.') == std::string::npos) continue;
    api.owner_call([&](const runtime::OwnerView& view) { view.memory.set(mark_key(build_id), at); });
    return;
  }
}

}  // namespace tidemark::commands::builds::endpoint
