#pragma once
// The program: its subcommands over the domains that main() introduces.

#include <vector>

#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {

/// Runs the chosen subcommand and returns the exit code. Once per process.
int run_program(int argc, char** argv, std::vector<DomainRegistration> domains);

}  // namespace tidemark::cli
