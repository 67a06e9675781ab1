#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "ops/cli/commands.hpp"

namespace tidemark::cli {

int complain(const std::string& sentence, int code) {
  std::fprintf(stderr, "tidemark: %s\n", sentence.c_str());
  return code;
}

namespace {

int run(int argc, char** argv) {
  CLI::App program{"Tidemark: an event-sourced, log-centric backend platform", "tidemark"};
  program.require_subcommand(1);
  program.set_version_flag("--version", "tidemark " TIDEMARK_VERSION);
  Chosen chosen;
  add_serve(program, chosen);
  add_topics(program, chosen);
  add_tail(program, chosen);
  add_produce(program, chosen);
  add_builds(program, chosen);
  add_version(program, chosen);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return program.exit(success);  // --help and --version
  } catch (const CLI::ParseError& error) {
    program.exit(error);
    return kExitUsage;
  }
  return chosen ? chosen() : kExitUsage;
}

}  // namespace
}  // namespace tidemark::cli

int main(int argc, char** argv) {
  try {
    return tidemark::cli::run(argc, argv);
  } catch (const std::exception& error) {
    return tidemark::cli::complain(std::string("internal error: ") + error.what(), tidemark::cli::kExitFailed);
  }
}
