#pragma once
// A client that speaks to the log: it writes commands into the commands topics, now and then twice, into the wrong lane, or something
// that is no command at all; its answers are the decisions.

#include <map>
#include <string>

#include "tests/sim/node/client.hpp"

namespace tidemark::sim {

class Producer {
 public:
  Producer(Site& site, Workload& workload, int id, std::uint64_t seed, std::uint64_t wishes)
      : site_(site), workload_(workload), name_("producer-" + std::to_string(id)), random_(seed), left_(wishes) {}

  void begin() { later(); }
  /// Everything is written and decided.
  bool done();
  std::string waits_for() const;

 private:
  void later();
  void write();

  Site& site_;
  Workload& workload_;
  const std::string name_;
  Random random_;
  std::uint64_t left_, number_ = 0;
  std::map<std::string, std::string> undecided_;  ///< id: what it is
};

}  // namespace tidemark::sim
