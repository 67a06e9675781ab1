#include "tests/sim/node/history.hpp"

#include <cstdio>

namespace tidemark::sim {
namespace {

constexpr std::size_t kLinesKept = 50;

}  // namespace

void History::add(std::string line) {
  char when[64];
  std::snprintf(when, sizeof when, "%10llu %12.6f s  ", static_cast<unsigned long long>(world_.steps()),
                static_cast<double>(world_.now().time_since_epoch().count()) / 1e6);
  line.insert(0, when);
  for (const char c : line) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  if (print_) std::printf("%s\n", line.c_str());
  lines_.push_back(std::move(line));
  if (lines_.size() > kLinesKept) lines_.pop_front();
}

}  // namespace tidemark::sim
