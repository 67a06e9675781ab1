#pragma once
// A node with the tally domain, and what tests ask of its rows.

#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::testing {

class TallyNode : public DomainNode {
 public:
  TallyNode(VirtualScheduler& scheduler, log::EventLog& log, MemoryStores& stores, runtime::NodeOptions options = {},
            runtime::Domain domain = tally::make_domain())
      : DomainNode(scheduler, log, stores, std::move(domain), std::move(options)) {}

  template <class C>
  static runtime::CommandRequest request(const C& command, std::string key = {}) { return request_to("tally", command, std::move(key)); }

  std::optional<tally::BalanceRow> balance(const std::string& group, const std::string& account) {
    return tally::kBalances.get(*(*this)->projection_rows("tally.balances"), group, account);
  }
};

}  // namespace tidemark::testing
