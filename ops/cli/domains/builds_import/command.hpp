#pragma once

#include "ops/cli/commands.hpp"

namespace tidemark::cli::builds_import {

/// `tidemark import builds`
void add_import(CLI::App& program, Chosen& chosen);

}  // namespace tidemark::cli::builds_import
