#pragma once
// Compares the two answers of one exchange: status, content type, declared headers, JSON as values, other bodies by hash.

#include <functional>

#include "replay/shadow/identities.hpp"
#include "replay/shadow/rules.hpp"

namespace tidemark::shadow {

struct Found {
  /// Each difference, in the order of the answer.
  std::function<void(Difference)> difference;
  /// An element that a rule leaves out.
  std::function<void(std::string_view rule)> left_out;
};

/// `exchange` holds the parsed bodies when both are JSON.
void compare(const Exchange& exchange, const Rules& rules, const Identities& identities, const Found& found);

/// True for a JSON media type.
bool is_json_type(std::string_view content_type);

}  // namespace tidemark::shadow
