// tidemark-sim-mutants: proof that the checks of the simulation bite. One of the bugs planted in core/ (core/base/mutation.hpp) at a
// time is switched on, and a search must find it. docs/simulation.md.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/mutation.hpp"
#include "tests/sim/node/search.hpp"

extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }  // a process that dies gives nothing back

namespace tidemark::sim {
namespace {

constexpr const char* kUsage =
    "usage: tidemark-sim-mutants --check FILE | --find FILE [--seeds N]\n"
    "  --check FILE   each bug of the list must be found in the seeds where it was found before\n"
    "  --find FILE    looks for each of them anew in at most N seeds of every profile (default 10000), and prints the list\n"
    "A line of FILE: the bug, the profile, the last seed of the range from 1 on, the invariant that it broke.\n";

constexpr std::uint64_t kCommands = 1000;

struct Known {
  std::string name, profile, invariant;
  std::uint64_t last = 0;
};

std::vector<Known> read(const char* path) {
  std::vector<Known> all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Known known;
    words >> known.name >> known.profile >> known.last;
    std::getline(words >> std::ws, known.invariant);
    all.push_back(std::move(known));
  }
  if (all.empty()) std::fprintf(stderr, "tidemark-sim-mutants: %s names no bug\n", path);
  return all;
}

SearchReport look(const std::string& name, std::vector<const Profile*> profiles, std::uint64_t last) {
  chosen_mutant = name;
  SearchOptions options;
  options.last = last;
  options.profiles = std::move(profiles);
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.commands = kCommands;
  options.quiet = true;
  return search(options);
}

int check(const char* path) {
  const auto all = read(path);
  int missed = all.empty() ? 1 : 0;
  for (const Known& known : all) {
    const Profile* profile = find_profile(known.profile);
    const SearchReport report = profile == nullptr ? SearchReport{} : look(known.name, {profile}, known.last);
    if (report.failures == 0) ++missed;
    std::printf("%-28s %s after %llu runs of profile %s%s%s\n", known.name.c_str(), report.failures > 0 ? "found" : "NOT FOUND",
                static_cast<unsigned long long>(report.runs), known.profile.c_str(), report.failures > 0 ? ": " : "", report.invariant.c_str());
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

int find(const char* path, std::uint64_t seeds) {
  int missed = 0;
  std::printf("# bug, profile, last seed of the range from 1 on, invariant\n");
  for (const Known& known : read(path)) {
    SearchReport best;
    // The same few seeds of every profile first: a bug is shown best where it is found soonest.
    for (std::uint64_t last = 4; best.failures == 0 && last < 2 * seeds; last *= 4) {
      for (const Profile& profile : profiles()) {
        const auto report = look(known.name, {&profile}, std::min(last, seeds));
        if (report.failures == 0 || (best.failures > 0 && best.failed_seed <= report.failed_seed)) continue;
        best = report;
      }
    }
    if (best.failures == 0) {
      ++missed;
      std::printf("# NOT FOUND: %s\n", known.name.c_str());
    } else {
      std::printf("%s %s %llu %s\n", known.name.c_str(), best.failed_profile->name.c_str(), static_cast<unsigned long long>(std::max<std::uint64_t>(8, best.failed_seed)), best.invariant.c_str());
    }
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  std::uint64_t seeds = 10'000;
  if (argc == 5 && std::string(argv[3]) == "--seeds") seeds = std::strtoull(argv[4], nullptr, 10);
  if (what == "--check" && argc == 3) return check(argv[2]);
  if (what == "--find" && seeds > 0) return find(argv[2], seeds);
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace
}  // namespace tidemark::sim

int main(int argc, char** argv) { return tidemark::sim::run(argc, argv); }
