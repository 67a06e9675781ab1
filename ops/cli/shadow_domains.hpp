#pragma once
// What the commands of `tidemark shadow` share.

#include <string>

#include "ops/cli/domain_registration.hpp"

namespace CLI {
class App;
}

namespace tidemark::cli {

/// The registered domain of that name that can be compared; null when there is none.
const DomainRegistration* find_shadow_domain(const std::string& name);

/// `tidemark shadow replay`.
void add_shadow_replay(CLI::App& group, Chosen& chosen);

}  // namespace tidemark::cli
