#pragma once
// One named reason why a difference is no defect.

#include <span>

#include "replay/shadow/rules.hpp"
#include "schemas/builds/shadow/builds_rules.hpp"
#include "schemas/builds/shadow/memory.hpp"

namespace tidemark::schemas::builds::shadow {

using tidemark::shadow::Difference;
using tidemark::shadow::Exchange;
using tidemark::shadow::Kind;
using tidemark::shadow::Where;

inline constexpr unsigned kTypeScript = 1, kElixir = 2, kContract = 4, kExact = 8, kLegacy = kTypeScript | kElixir, kOwnValues = kContract | kLegacy;

struct Rule {
  std::string_view name, what;
  unsigned primaries;    ///< for which the rule exists
  bool parts_states;     ///< what it explains leaves the build in two states: later differences of that build follow from it
  bool (*applies)(const Exchange& exchange, const Difference& difference, const Memory& memory);
};

/// Values that each server makes for itself: compared by type and format.
std::span<const Rule> volatile_rules();
/// The same fact written in two ways.
std::span<const Rule> equivalences();
/// D1 to D16 of the contract, and what follows from them.
std::span<const Rule> intended_differences();

std::span<const tidemark::shadow::Route> all_routes();
std::span<const tidemark::shadow::IdentityPlace> identity_places();
/// Ids, tokens and passwords that later requests name.
std::span<const tidemark::shadow::IdentityPlace> generated_places();
tidemark::shadow::ApiKeyPlace api_key_place();
std::span<const std::string_view> contract_headers();

/// Text of an error answer: {"error": text}. Empty when it is none.
std::string_view error_text(event::JsonNode body);
std::string_view text_of(event::JsonNode node);
/// Value of a query parameter, undecoded (ids need no escapes).
std::string_view query(const Exchange& exchange, std::string_view name);

}  // namespace tidemark::schemas::builds::shadow
