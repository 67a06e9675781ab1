// `tidemark produce`: sends one command and shows what was decided.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "ops/cli/client_settings.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {
namespace {

struct Arguments {
  std::string domain, command, data = "-", idempotency_key;
};

int produce(const Settings& settings, const Arguments& arguments) {
  auto client = make_client(settings);
  if (!client.ok()) return complain(client.error().message, kExitFailed);
  std::string data = arguments.data;
  if (data == "-") data.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"}};
  if (!arguments.idempotency_key.empty()) headers.emplace_back("Idempotency-Key", arguments.idempotency_key);
  const auto answer = client->call("POST", "/commands/" + arguments.domain + "/" + arguments.command, std::move(data), headers);
  if (!answer.ok()) {
    return complain(answer.error().message + "; whether the command was recorded is not known when it had been sent", kExitFailed);
  }
  if (answer->status != 200) return complain(explain(*answer), kExitFailed);
  std::printf("%s\n", answer->body.c_str());
  return 0;
}

}  // namespace

void add_produce(CLI::App& program, Chosen& chosen) {
  CLI::App* command = program.add_subcommand(
      "produce", "Send a command to a running node and print what was decided\n"
                 "Example: tidemark produce builds CancelBuild '{\"build_id\":\"...\"}' --idempotency-key cancel-1");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("domain", arguments->domain, "Domain, such as builds")->required();
  command->add_option("command", arguments->command, "Command, such as CancelBuild")->required();
  command->add_option("data", arguments->data, "JSON of the command; - (the default) reads standard input");
  command->add_option("--idempotency-key", arguments->idempotency_key, "A repeat with this key gets the first answer (TIDEMARK_IDEMPOTENCY_KEY)")
      ->envname("TIDEMARK_IDEMPOTENCY_KEY");
  const auto flags = std::make_shared<SettingFlags>(*command, client_setting_keys());
  command->callback([&chosen, flags, arguments] {
    chosen = [flags, arguments] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      return settings ? produce(*settings, *arguments) : exit_code;
    };
  });
}

}  // namespace tidemark::cli
