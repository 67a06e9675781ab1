#include "commands/lockers/decider.hpp"
#include "commands/lockers/endpoint/registration.hpp"
#include "core/event/json.hpp"
#include "core/runtime/typed_domain.hpp"
#include "projections/lockers/contents.hpp"

namespace tidemark::commands::lockers::endpoint {

runtime::Domain make_lockers_domain(const schemas::lockers::Settings& settings) {
  runtime::Domain domain;
  domain.name = schemas::lockers::kDomainName;
  domain.topics = {{std::string(schemas::lockers::kParcelsTopic), log::TopicClass::fact, std::nullopt}};
  domain.decider = runtime::make_decider<Lockers>();
  domain.contract = runtime::contract_of<Lockers>;
  domain.projections = {runtime::make_projection<projections::lockers::Contents>()};
  domain.settings = event::to_json(settings);
  return domain;
}

}  // namespace tidemark::commands::lockers::endpoint
