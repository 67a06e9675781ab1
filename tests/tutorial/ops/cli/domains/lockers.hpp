#pragma once

#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {

DomainRegistration register_lockers();

}  // namespace tidemark::cli
