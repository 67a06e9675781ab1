// The domains of this program: one line each.

#include "ops/cli/domains/builds.hpp"
#include "ops/cli/program.hpp"

int main(int argc, char** argv) {
  using namespace tidemark::cli;
  return run_program(argc, argv, {
    register_builds(),
  });
}
