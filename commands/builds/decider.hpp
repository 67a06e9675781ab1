#pragma once
// The builds decider: state machine of a pool (its queue, its workers, the builds in their hands). Pure; the rules are
// in submission.cpp, assignment.cpp, workers.cpp, liveness.cpp, telemetry.cpp, vm.cpp, logs.cpp, diagnostics.cpp,
// outcome.cpp and purge.cpp, the fold in evolve.cpp.

#include "core/base/decision.hpp"
#include "schemas/builds/builds.hpp"

namespace tidemark::commands::builds {

struct Builds {
  static constexpr std::string_view kDomain = schemas::builds::kDomainName;
  using Command = schemas::builds::Command;
  using Event = schemas::builds::Event;
  using Reply = schemas::builds::Reply;
  using Settings = schemas::builds::Settings;

  static Decision<Event, Reply> decide(const RowReader& state, const Command& command, const Context& context,
                                       const Settings& settings);
  static void evolve(State& state, const Event& event, const EventContext& context);
};

}  // namespace tidemark::commands::builds
