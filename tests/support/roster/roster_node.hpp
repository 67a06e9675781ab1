#pragma once
// A node with the roster domain, and what tests ask of its rows.

#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/roster/roster.hpp"

namespace tidemark::testing {

class RosterNode : public DomainNode {
 public:
  RosterNode(VirtualScheduler& scheduler, log::EventLog& log, store::StoreFactory& stores, event::FieldCipher* cipher, bool with_reactor = false)
      : DomainNode(scheduler, log, stores, roster::make_domain(with_reactor), {}, cipher) {}

  runtime::Outcome execute(const roster::Register& command, std::string key) { return DomainNode::execute(command, std::move(key)); }

  /// The row of the projection, once it has applied all that is durable.
  std::string known(const std::string& person) {
    settle();
    return roster::kNames.get(*(*this)->projection_rows("roster.names"), person).value_or("");
  }
};

}  // namespace tidemark::testing
