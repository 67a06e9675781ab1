#include "ops/cli/domains/lockers.hpp"
#include "ops/cli/program.hpp"

int main(int argc, char** argv) {
  using namespace tidemark::cli;
  return run_program(argc, argv, {
    register_lockers(),
  });
}
