// `tidemark builds serve`: the old build controller's command line, for the scripts that start one.

#include <CLI/CLI.hpp>

#include "ops/cli/commands.hpp"
#include "ops/cli/node_process.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {

void add_builds(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("builds", "The build controller");
  group->require_subcommand(1);
  CLI::App* command = group->add_subcommand(
      "serve", "Run a node as the old build controller was run: the builds surface at the root of --port, on every interface\n"
               "Example: tidemark builds serve --port 3000 --storage ./data --api-key \"$CONTROLLER_API_KEY\"");
  FlagStyle style;
  style.names = {{"data", "--storage,--data"}, {"builds.api_key", "--api-key,--builds-api-key"},
                 {"builds.base_image_id", "--base-image-id,--builds-base-image-id"}};
  style.older_names = {{"builds.api_key", "CONTROLLER_API_KEY"}, {"builds.base_image_id", "BASE_IMAGE_ID"}};
  style.other_defaults = {{"port", "3000"}};
  const auto flags = std::make_shared<SettingFlags>(*command, node_setting_keys(), style);
  command->callback([&chosen, flags] {
    chosen = [flags] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      if (!settings) return exit_code;
      // On every interface, as there: workers live on other hosts. The main port is opened only when `listen` asks for it.
      const auto plan = make_node_plan(*settings, PortMeaning{.surface = "builds", .address = "0.0.0.0"});
      if (!plan.ok()) return complain(plan.error().message, kExitUsage);
      return run_node(*settings, *plan);
    };
  });
}

}  // namespace tidemark::cli
