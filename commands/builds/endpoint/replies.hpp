#pragma once
// Typed replies of commands.

#include <optional>
#include <vector>

#include "core/event/json.hpp"
#include "core/runtime/node.hpp"
#include "schemas/builds/replies.hpp"

namespace tidemark::commands::builds::endpoint {

/// The command was decided in the affirmative: recorded now or before, or nothing was left to do.
inline bool was_done(const runtime::Outcome& outcome) {
  return outcome.kind == runtime::Outcome::Kind::accepted || outcome.kind == runtime::Outcome::Kind::nothing;
}

/// Its reply; nothing when it was not done.
template <class Reply>
std::optional<Reply> reply_of(const runtime::Outcome& outcome) {
  if (!was_done(outcome)) return std::nullopt;
  std::vector<event::FieldError> errors;
  return event::from_json<Reply>(outcome.reply, event::Decoding::tolerant, errors);
}

}  // namespace tidemark::commands::builds::endpoint
