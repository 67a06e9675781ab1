#pragma once
// The rules of a locker. Pure.

#include "core/base/decision.hpp"
#include "schemas/lockers/lockers.hpp"

namespace tidemark::commands::lockers {

struct Lockers {
  static constexpr std::string_view kDomain = schemas::lockers::kDomainName;
  using Command = schemas::lockers::Command;
  using Event = schemas::lockers::Event;
  using Reply = schemas::lockers::Reply;
  using Settings = schemas::lockers::Settings;

  static Decision<Event, Reply> decide(const RowReader& state, const Command& command, const Context& context,
                                       const Settings& settings);
  static void evolve(State& state, const Event& event, const EventContext& context);
};

}  // namespace tidemark::commands::lockers
