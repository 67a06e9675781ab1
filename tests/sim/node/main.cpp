// tidemark-sim: deterministic simulation of whole nodes. docs/simulation.md.

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/sim/node/search.hpp"

extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }  // a process that dies gives nothing back

namespace tidemark::sim {
namespace {

constexpr const char* kUsage =
    "usage: tidemark-sim --seeds A..B [options]\n"
    "  --seeds A..B       the seeds to run, each through every profile\n"
    "  --fresh            seeds that nobody has run: from the clock on, a million of them\n"
    "  --profile P        only this profile; may be given again\n"
    "  --jobs N           processes at once (default: one for each core)\n"
    "  --commands N       commands of each run (default 1000)\n"
    "  --seconds N        ends after so long, and says how far it came\n"
    "  --resume FILE      notes there how far it came, and goes on from there\n"
    "  --keep-going       reports every failure, not only the first\n"
    "  --shrink           looks for the least faults that still break the invariant\n"
    "  --faults 1,2|none  of the faults that are drawn only these strike\n"
    "  --print            prints the whole history of one run\n"
    "  --twice            runs every seed twice, and compares the histories\n"
    "  --profiles         lists the profiles\n"
    "Example: tidemark-sim --seeds 1..1000 --profile zombies --shrink\n";

struct Arguments {
  SearchOptions search;
  FaultFilter filter;
  bool print = false, twice = false;
};

[[noreturn]] void usage(const std::string& why) {
  std::fprintf(stderr, "tidemark-sim: %s\n%s", why.c_str(), kUsage);
  std::exit(2);
}

std::uint64_t number(std::string_view text, const char* what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) usage(std::string(what) + " must be a number, not \"" + std::string(text) + "\"");
  return value;
}

void read_seeds(std::string_view text, SearchOptions& search) {
  const std::size_t dots = text.find("..");
  search.first = number(text.substr(0, dots), "--seeds");
  search.last = dots == std::string_view::npos ? search.first : number(text.substr(dots + 2), "--seeds");
  if (search.last < search.first) usage("--seeds A..B: B is less than A");
}

void read_faults(std::string_view text, FaultFilter& filter) {
  filter.only.emplace();
  if (text == "none") return;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    filter.only->insert(number(text.substr(0, comma), "--faults"));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
}

void list_profiles() {
  for (const Profile& profile : profiles()) std::printf("%-12s %s\n", profile.name.c_str(), profile.about.c_str());
}

Arguments read(int argc, char** argv) {
  Arguments out;
  bool seeds = false;
  out.search.program = argv[0];
  out.search.jobs = std::max(1u, std::thread::hardware_concurrency());
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 >= argc) usage(std::string(flag) + " needs a value");
      return argv[++i];
    };
    if (flag == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    } else if (flag == "--profiles") {
      list_profiles();
      std::exit(0);
    } else if (flag == "--seeds") {
      read_seeds(value(), out.search);
      seeds = true;
    } else if (flag == "--fresh") {
      const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
      out.search.first = static_cast<std::uint64_t>(now) % 1'000'000'000'000;
      out.search.last = out.search.first + 999'999;
      seeds = true;
      std::printf("seeds from %llu on\n", static_cast<unsigned long long>(out.search.first));
    } else if (flag == "--profile") {
      const std::string name(value());
      const Profile* profile = find_profile(name);
      if (profile == nullptr) usage("there is no profile " + name);
      out.search.profiles.push_back(profile);
    } else if (flag == "--jobs") out.search.jobs = static_cast<unsigned>(std::min<std::uint64_t>(256, std::max<std::uint64_t>(1, number(value(), "--jobs"))));
    else if (flag == "--commands") out.search.commands = number(value(), "--commands");
    else if (flag == "--seconds") out.search.seconds = number(value(), "--seconds");
    else if (flag == "--resume") out.search.resume_file = value();
    else if (flag == "--keep-going") out.search.keep_going = true;
    else if (flag == "--shrink") out.search.shrink = true;
    else if (flag == "--faults") read_faults(value(), out.filter);
    else if (flag == "--print") out.print = true;
    else if (flag == "--twice") out.twice = true;
    else usage("unknown option " + std::string(flag));
  }
  if (!seeds) usage("--seeds is missing");
  if (out.search.profiles.empty()) {
    for (const Profile& profile : profiles()) out.search.profiles.push_back(&profile);
  }
  return out;
}

/// One run after the other in this process: for a person, or a debugger.
int run_here(const Arguments& arguments) {
  int failures = 0;
  for (std::uint64_t seed = arguments.search.first; seed <= arguments.search.last; ++seed) {
    for (const Profile* profile : arguments.search.profiles) {
      RunOptions run{seed, profile, arguments.filter, arguments.search.commands, true, arguments.print};
      auto report = run_simulation(run);
      bool bad = report.violation.has_value();
      if (arguments.search.shrink && bad) {
        run.filter = shrink(run, report);
        report = run_simulation(run);
      }
      if (bad) std::fputs(describe_failure(run, report, arguments.search.program).c_str(), stdout);
      if (arguments.twice) {
        const auto again = run_simulation(run);
        if (again.digest != report.digest || again.steps != report.steps) {
          bad = true;
          std::printf("seed %llu, profile %s has two histories: %llu and %llu steps\n", static_cast<unsigned long long>(seed), profile->name.c_str(),
                      static_cast<unsigned long long>(report.steps), static_cast<unsigned long long>(again.steps));
        }
      }
      std::printf("seed %llu, profile %s: %s; %llu requests, %llu decisions, %llu records, %zu faults, %llu lives, %llu steps, %.1f s of virtual time, history %016llx\n",
                  static_cast<unsigned long long>(seed), profile->name.c_str(), bad ? "FAILED" : "well", static_cast<unsigned long long>(report.requests),
                  static_cast<unsigned long long>(report.decisions), static_cast<unsigned long long>(report.records), report.faults.size(),
                  static_cast<unsigned long long>(report.lives), static_cast<unsigned long long>(report.steps), report.virtual_seconds, static_cast<unsigned long long>(report.digest));
      failures += bad ? 1 : 0;
    }
  }
  return failures == 0 ? 0 : 1;
}

int run(const Arguments& arguments) {
  if (arguments.print || arguments.twice || arguments.filter.only) return run_here(arguments);
  const auto report = search(arguments.search);
  std::printf("%llu runs in %.1f s: %.1f seeds a second; %llu requests, %llu decisions, %llu faults, %llu starts of nodes; %llu failures; all seeds before %llu are done\n",
              static_cast<unsigned long long>(report.runs), report.seconds, static_cast<double>(report.runs) / std::max(report.seconds, 1e-9),
              static_cast<unsigned long long>(report.requests), static_cast<unsigned long long>(report.decisions), static_cast<unsigned long long>(report.faults),
              static_cast<unsigned long long>(report.lives), static_cast<unsigned long long>(report.failures), static_cast<unsigned long long>(report.next_seed));
  return report.failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tidemark::sim

int main(int argc, char** argv) { return tidemark::sim::run(tidemark::sim::read(argc, argv)); }
