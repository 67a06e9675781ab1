#include "ops/cli/program.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "ops/cli/commands.hpp"
#include "ops/cli/listen.hpp"

namespace tidemark::cli {
namespace {

std::vector<DomainRegistration>& domains_of_program() {
  static std::vector<DomainRegistration> domains;
  return domains;
}

}  // namespace

const std::vector<DomainRegistration>& registered_domains() { return domains_of_program(); }

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
  add_projections(program, chosen);
  add_tail(program, chosen);
  add_produce(program, chosen);
  add_keys(program, chosen);
  add_schema(program, chosen);
  add_shadow(program, chosen);
  add_version(program, chosen);
  for (const DomainRegistration& domain : registered_domains()) {
    if (domain.add_commands) domain.add_commands(program, chosen);
  }
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

int run_program(int argc, char** argv, std::vector<DomainRegistration> domains) {
  for (const DomainRegistration& domain : domains) {
    declare_settings(domain.settings);
    for (const std::string& surface : domain.surfaces) declare_surface(surface);
  }
  domains_of_program() = std::move(domains);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return complain(std::string("internal error: ") + error.what(), kExitFailed);
  }
}

}  // namespace tidemark::cli
