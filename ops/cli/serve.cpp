#include <CLI/CLI.hpp>

#include "ops/cli/commands.hpp"
#include "ops/cli/node_process.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {

void add_serve(CLI::App& program, Chosen& chosen) {
  CLI::App* command = program.add_subcommand(
      "serve", "Run a node until it is told to stop\nExample: tidemark serve --data ./data --listen 127.0.0.1:8080 --listen builds=:3000");
  const auto flags = std::make_shared<SettingFlags>(*command, node_setting_keys());
  command->callback([&chosen, flags] {
    chosen = [flags] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      if (!settings) return exit_code;
      const auto plan = make_node_plan(*settings, PortMeaning{});
      if (!plan.ok()) return complain(plan.error().message, kExitUsage);
      return run_node(*settings, *plan);
    };
  });
}

}  // namespace tidemark::cli
