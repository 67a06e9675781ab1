// Owns lane 0 of an installation and appends to two of its topics until it is told no: kafka_lane_writer <brokers> <prefix> <name>.
// Each append is one record "<name> <n>" in builds.ledger and one in builds.decisions. Says "taken", then "acked <n>" for each.
// When the log does not know, it takes the lane again and looks, as a node does. "fenced" ends it.

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "core/log/kafka/kafka_log.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"

using namespace tidemark;
using namespace tidemark::log;

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  test::Rig rig(argv[1], argv[2], test::kNodesPatience);
  const auto say = [](const std::string& text) { std::printf("%s\n", text.c_str()); };
  if (!rig.take_lane(0)) return 1;
  say("taken");
  for (int n = 0;; ++n) {
    const auto result = rig.append_pair(0, std::string(argv[3]) + " " + std::to_string(n));
    if (result == test::Rig::Outcome::fenced) break;
    if (result == test::Rig::Outcome::written) say("acked " + std::to_string(n));
  }
  say("fenced");
  return 0;
}
