#include <algorithm>

#include "commands/builds/decider.hpp"
#include "commands/builds/endpoint/registration.hpp"
#include "commands/builds/queries.hpp"
#include "commands/builds/tables.hpp"
#include "core/event/json.hpp"
#include "core/runtime/typed_domain.hpp"
#include "core/runtime/volatile.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/cpu_model.hpp"
#include "projections/builds/diagnostics_model.hpp"
#include "projections/builds/logs_model.hpp"
#include "projections/builds/status_model.hpp"

namespace tidemark::commands::builds::endpoint {

runtime::Domain make_builds_domain(const schemas::builds::Settings& settings) {
  using namespace schemas::builds;
  runtime::Domain domain;
  domain.name = kDomainName;
  const auto fact = [](std::string_view name) { return log::TopicSpec{std::string(name), log::TopicClass::fact, std::nullopt}; };
  domain.topics = {fact(kLedgerTopic), fact(kLogsTopic), fact(kSamplesTopic),
                   log::TopicSpec{std::string(kActivityTopic), log::TopicClass::ephemeral, kActivityRetention}};
  domain.state_version = kStateVersion;
  domain.decider = runtime::make_decider<Builds>();
  domain.contract = runtime::contract_of<Builds>;
  domain.projections = {runtime::make_projection<projections::builds::BuildsModel>(),
                        runtime::make_projection<projections::builds::LogsModel>(),
                        runtime::make_projection<projections::builds::CpuModel>(),
                        runtime::make_projection<projections::builds::DiagnosticsModel>(),
                        runtime::make_projection<projections::builds::StatusModel>()};
  domain.settings = event::to_json(settings);
  domain.complete_timer = [](const Timer& timer, std::string_view, const runtime::Volatile& memory) {
    // Whoever may have called while nobody listened counts as heard.
    const auto listening_since = memory.get(runtime::kListeningSince);
    return complete_timer(timer, [&](std::string_view key) { return listening_since ? std::max(memory.get(key).value_or(0), *listening_since) : memory.get(key); });
  };
  return domain;
}

}  // namespace tidemark::commands::builds::endpoint
