#include <CLI/CLI.hpp>
#include <cstdio>

#include "ops/cli/commands.hpp"

namespace tidemark::cli {

void add_version(CLI::App& program, Chosen& chosen) {
  CLI::App* command = program.add_subcommand("version", "Print the version\nExample: tidemark version");
  command->callback([&chosen] {
    chosen = [] {
      std::puts("tidemark " TIDEMARK_VERSION);
      return 0;
    };
  });
}

}  // namespace tidemark::cli
