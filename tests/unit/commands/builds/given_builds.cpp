#include "schemas/builds/builds.hpp"
#include "tests/support/given/given.hpp"

namespace tidemark::testing {

template std::string show(const schemas::builds::Event&);
template std::string show(const schemas::builds::Reply&);
template schemas::builds::Event through_json(const schemas::builds::Event&);
template schemas::builds::Command through_json(const schemas::builds::Command&);

}  // namespace tidemark::testing
