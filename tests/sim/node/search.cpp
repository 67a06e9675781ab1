#include "tests/sim/node/search.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>

namespace tidemark::sim {
namespace {

constexpr unsigned kJobsMost = 256;
constexpr std::uint64_t kRunsPerProcess = 100;  // what dies with a node is not given back
constexpr unsigned kRunSecondsMost = 300;
constexpr std::uint64_t kNone = UINT64_MAX;

using Clock = std::chrono::steady_clock;

/// In memory that all processes share.
struct Shared {
  std::atomic<std::uint64_t> next{0}, runs{0}, failures{0}, requests{0}, decisions{0}, faults{0}, lives{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> has_failure{false};
  std::atomic<std::uint64_t> failed{UINT64_MAX};
  std::array<char, 160> invariant{};
  std::array<std::atomic<std::uint64_t>, kJobsMost> under_way;
};

Shared* share() {
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  return new (memory) Shared;
}

void print(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
}

class Search {
 public:
  explicit Search(const SearchOptions& options) : options_(options), shared_(*share()), began_(Clock::now()) {
    total_ = (options.last - options.first + 1) * options.profiles.size();
    if (!options.resume_file.empty()) {
      std::uint64_t at = 0;
      if (std::ifstream(options.resume_file) >> at) shared_.next = std::min(at, total_);
    }
    for (auto& each : shared_.under_way) each = kNone;
  }
  ~Search() { ::munmap(&shared_, sizeof(Shared)); }

  SearchReport run() {
    std::vector<pid_t> workers(options_.jobs, 0);
    for (unsigned i = 0; i < options_.jobs; ++i) workers[i] = launch(i);
    for (unsigned left = options_.jobs; left > 0;) {
      int status = 0;
      const pid_t ended = ::waitpid(-1, &status, 0);
      if (ended < 0) break;
      for (unsigned i = 0; i < options_.jobs; ++i) {
        if (workers[i] != ended) continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) died(i, status);
        note_progress();
        workers[i] = over() ? 0 : launch(i);
        if (workers[i] == 0) --left;
      }
    }
    note_progress();
    SearchReport report;
    report.runs = shared_.runs;
    report.failures = shared_.failures;
    report.requests = shared_.requests;
    report.decisions = shared_.decisions;
    report.faults = shared_.faults;
    report.lives = shared_.lives;
    report.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    if (const std::uint64_t failed = shared_.failed; failed != kNone) {
      const RunOptions run = options_of(failed);
      report.failed_seed = run.seed;
      report.failed_profile = run.profile;
      report.invariant = shared_.invariant.data();
    }
    report.next_seed = options_.first + done_before() / options_.profiles.size();
    return report;
  }

 private:
  bool over() const {
    if (shared_.stop || shared_.next >= total_) return true;
    return options_.seconds > 0 && Clock::now() - began_ >= std::chrono::seconds(options_.seconds);
  }
  RunOptions options_of(std::uint64_t index) const {
    RunOptions run;
    run.seed = options_.first + index / options_.profiles.size();
    run.profile = options_.profiles[index % options_.profiles.size()];
    run.commands = options_.commands;
    return run;
  }

  pid_t launch(unsigned slot) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    for (std::uint64_t i = 0; i < kRunsPerProcess && !over(); ++i) {
      const std::uint64_t index = shared_.next++;
      if (index >= total_) break;
      shared_.under_way[slot] = index;
      one(index);
      shared_.under_way[slot] = kNone;
    }
    ::_exit(0);
  }

  void one(std::uint64_t index) {
    RunOptions run = options_of(index);
    ::alarm(kRunSecondsMost);
    auto report = run_simulation(run);
    ::alarm(0);
    ++shared_.runs;
    shared_.requests += report.requests;
    shared_.decisions += report.decisions;
    shared_.faults += report.faults.size();
    shared_.lives += report.lives;
    if (!report.violation) return;
    ++shared_.failures;
    note_failure(index, report.violation->invariant);
    if (!options_.keep_going) shared_.stop = true;
    if (options_.quiet) return;
    if (options_.shrink) run.filter = shrink(run, report);
    run.recording = true;
    report = run_simulation(run);
    print(describe_failure(run, report, options_.program));
  }

  /// A process was ended by a signal: by an assertion, most likely. It is run once more, to see its last steps.
  void died(unsigned slot, int status) {
    const std::uint64_t index = shared_.under_way[slot].exchange(kNone);
    ++shared_.failures;
    if (!options_.keep_going) shared_.stop = true;
    if (index != kNone) note_failure(index, "a process lives");
    if (options_.quiet) return;
    if (index == kNone) return print("a process ended with status " + std::to_string(status) + " between two runs\n");
    const RunOptions run = options_of(index);
    print("seed " + std::to_string(run.seed) + ", profile " + run.profile->name + ": the process died by signal " + std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0) +
          "\nreplay: " + options_.program + " --seeds " + std::to_string(run.seed) + ".." + std::to_string(run.seed) + " --profile " + run.profile->name + " --commands " +
          std::to_string(run.commands) + " --print\n");
  }

  void note_failure(std::uint64_t index, const std::string& invariant) {
    if (shared_.has_failure.exchange(true)) return;
    std::snprintf(shared_.invariant.data(), shared_.invariant.size(), "%s", invariant.c_str());
    shared_.failed = index;
  }

  std::uint64_t done_before() const {
    std::uint64_t least = std::min<std::uint64_t>(shared_.next, total_);
    for (unsigned i = 0; i < options_.jobs; ++i) least = std::min<std::uint64_t>(least, shared_.under_way[i]);
    return least;
  }
  void note_progress() const {
    if (options_.resume_file.empty()) return;
    const std::string part = options_.resume_file + ".part";
    if (std::ofstream out(part); !(out << done_before() << '\n')) return;
    std::rename(part.c_str(), options_.resume_file.c_str());
  }

  const SearchOptions& options_;
  Shared& shared_;
  const Clock::time_point began_;
  std::uint64_t total_ = 0;
};

}  // namespace

SearchReport search(const SearchOptions& options) { return Search(options).run(); }

std::string describe_failure(const RunOptions& options, const RunReport& report, const std::string& program) {
  std::string text = "\nFAILED seed " + std::to_string(options.seed) + ", profile " + options.profile->name;
  if (!report.violation) return text + ": the second run of it was well. One seed has two histories, which is a bug of the simulation\n";
  char when[64];
  std::snprintf(when, sizeof when, "%.6f s", static_cast<double>(report.violation->at.time_since_epoch().count()) / 1e6);
  text += ", step " + std::to_string(report.violation->step) + " (" + when + " of virtual time), after " + std::to_string(report.faults.size()) + " faults\n";
  text += "invariant: " + report.violation->invariant + "\n           " + report.violation->detail + "\nlast events:\n";
  for (const auto& line : report.last) text += "  " + line + "\n";
  text += "replay: " + program + " --seeds " + std::to_string(options.seed) + ".." + std::to_string(options.seed) + " --profile " + options.profile->name + " --commands " + std::to_string(options.commands);
  if (options.filter.only) {
    text += " --faults ";
    std::string list;
    for (const std::uint64_t number : *options.filter.only) list += (list.empty() ? "" : ",") + std::to_string(number);
    text += list.empty() ? "none" : list;
  }
  return text + "\n";
}

FaultFilter shrink(const RunOptions& options, const RunReport& report) {
  constexpr int kRunsMost = 250;
  std::vector<std::uint64_t> needed = report.faults;
  RunOptions run = options;
  run.recording = false;
  int runs = 0;
  const auto fails = [&](const std::vector<std::uint64_t>& faults) {
    ++runs;
    run.filter.only = std::set<std::uint64_t>(faults.begin(), faults.end());
    const auto again = run_simulation(run);
    return again.violation && again.violation->invariant == report.violation->invariant;
  };
  // Leaves out parts, ever smaller ones, as long as the same invariant breaks.
  for (std::size_t parts = 1; !needed.empty() && runs < kRunsMost;) {
    const std::size_t size = (needed.size() + parts - 1) / parts;
    bool less = false;
    for (std::size_t at = 0; at < needed.size() && runs < kRunsMost; at += size) {
      std::vector<std::uint64_t> rest(needed.begin(), needed.begin() + static_cast<std::ptrdiff_t>(at));
      rest.insert(rest.end(), needed.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, needed.size())), needed.end());
      if (!fails(rest)) continue;
      needed = std::move(rest);
      less = true;
      break;
    }
    if (less) parts = std::max<std::size_t>(1, parts - 1);
    else if (size <= 1) break;
    else parts = std::min(needed.size(), parts * 2);
  }
  FaultFilter filter;
  filter.only = std::set<std::uint64_t>(needed.begin(), needed.end());
  // A run without its faults may take another way: what is told must fail.
  if (!fails(needed)) filter.only.reset();
  return filter;
}

}  // namespace tidemark::sim
