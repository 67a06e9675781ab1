#pragma once
// What a comparison found, for a person and for a program.

#include <string>

#include "replay/shadow/comparison.hpp"

namespace tidemark::shadow {

/// A table of routes, then of rules, then one line with the result.
std::string summary_text(const Summary& summary);
/// {"pairs","unexplained","unexplained_pairs","routes":{...},"rules":{...}}
std::string summary_json(const Summary& summary);
/// Several lines that end with a line feed: where, and both values.
std::string finding_text(const Finding& finding);
/// One line: {"line","route","method","target","where","at","kind","primary","shadow"}
std::string finding_json(const Finding& finding);

}  // namespace tidemark::shadow
