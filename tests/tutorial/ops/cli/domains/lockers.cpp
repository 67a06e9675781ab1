#include "ops/cli/domains/lockers.hpp"

#include "commands/lockers/endpoint/registration.hpp"
#include "ops/cli/setting_kinds.hpp"

namespace tidemark::cli {
namespace {

class LockersInstance final : public DomainInstance {
 public:
  explicit LockersInstance(const Settings& settings) {
    of_lockers_.compartments = static_cast<std::uint32_t>(settings.number("lockers.compartments"));
    of_lockers_.keep_ms = settings.duration("lockers.keep").count();
  }

  runtime::Domain domain() override { return commands::lockers::endpoint::make_lockers_domain(of_lockers_); }

  std::vector<http::Surface> surfaces(const DomainServices& services) override {
    std::vector<http::Surface> surfaces;
    surfaces.push_back(commands::lockers::endpoint::make_lockers_surface(&services.node, services.position_tag));
    return surfaces;
  }

 private:
  schemas::lockers::Settings of_lockers_;
};

DomainTables lockers_tables() {
  DomainTables tables;
  tables.domain = commands::lockers::endpoint::make_lockers_domain({});
  tables.surfaces.push_back(commands::lockers::endpoint::make_lockers_surface(nullptr, {}));
  return tables;
}

}  // namespace

DomainRegistration register_lockers() {
  DomainRegistration made;
  made.name = "lockers";
  made.settings = {
      make_setting("lockers.compartments", integer(1, 1000), "20", "Compartments of a locker"),
      make_setting("lockers.keep", duration("1s", "30d"), "3d", "How long a parcel waits before it goes back"),
  };
  made.surfaces = {"lockers"};
  made.tables = lockers_tables;
  made.open = [](const Settings& settings, const std::string&) -> Result<std::unique_ptr<DomainInstance>> {
    return std::unique_ptr<DomainInstance>(std::make_unique<LockersInstance>(settings));
  };
  return made;
}

}  // namespace tidemark::cli
