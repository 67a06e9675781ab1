#pragma once
// Rules for comparing an old build controller with this one (docs/formats/shadow-pairs.md lists them).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "replay/shadow/rules.hpp"

namespace tidemark::schemas::builds::shadow {

/// What the primary is. `contract`: a server that keeps to the contract, so that no intended difference is allowed and the
/// contract's response headers are compared too. `exact`: the same with the shadow's own ids, tokens and times, so that
/// nothing is volatile.
enum class Primary { contract, exact, typescript, elixir };

/// By the words of the command line: "contract", "exact", "typescript", "elixir"; null for any other.
std::unique_ptr<tidemark::shadow::Rules> make_rules(std::string_view primary);

std::unique_ptr<tidemark::shadow::Rules> make_rules(Primary primary);

/// Names and sentences of all rules, in order.
std::vector<std::pair<std::string_view, std::string_view>> rule_descriptions();

}  // namespace tidemark::schemas::builds::shadow
