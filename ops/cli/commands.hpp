#pragma once
// The subcommands: each adds itself to the program and, when chosen, sets what is to run.

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace tidemark::cli {

/// Set by the chosen subcommand; returns the exit code.
using Chosen = std::function<int()>;

void add_serve(CLI::App& program, Chosen& chosen);
void add_topics(CLI::App& program, Chosen& chosen);
void add_projections(CLI::App& program, Chosen& chosen);
void add_tail(CLI::App& program, Chosen& chosen);
void add_produce(CLI::App& program, Chosen& chosen);
void add_keys(CLI::App& program, Chosen& chosen);
void add_shadow(CLI::App& program, Chosen& chosen);
void add_schema(CLI::App& program, Chosen& chosen);
void add_version(CLI::App& program, Chosen& chosen);

/// Exit codes: 0 done, 1 failed or refused, 2 bad usage or configuration.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// "tidemark: <sentence>" on standard error; returns `code`.
int complain(const std::string& sentence, int code);

}  // namespace tidemark::cli
