#include <CLI/CLI.hpp>

#include "ops/cli/domains/builds_export.hpp"

namespace tidemark::cli {
void add_builds_export(CLI::App&, Chosen&) {}
}  // namespace tidemark::cli
