#pragma once
// Many simulations at once: a range of seeds over profiles, in processes of their own, so that one that dies takes nothing with it.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/node/simulation.hpp"

namespace tidemark::sim {

struct SearchOptions {
  std::uint64_t first = 1, last = 1;      ///< seeds, both included
  std::vector<const Profile*> profiles;   ///< each seed goes through all of them
  unsigned jobs = 1;
  std::uint64_t commands = 1000;
  std::uint64_t seconds = 0;              ///< ends after so long; 0: when all are done
  bool keep_going = false;                ///< reports every failure, not only the first
  bool shrink = false;
  bool quiet = false;                     ///< prints no failure
  std::string resume_file;                ///< where it is noted how far it came; "": nowhere
  std::string program = "tidemark-sim";   ///< for the command that replays a failure
};

struct SearchReport {
  std::uint64_t runs = 0, failures = 0, requests = 0, decisions = 0, faults = 0, lives = 0;
  double seconds = 0;
  std::uint64_t next_seed = 0;            ///< all below it are done
  // Of the first failure that was seen.
  std::uint64_t failed_seed = 0;
  const Profile* failed_profile = nullptr;
  std::string invariant;                  ///< that it broke
};

/// Prints every failure as it comes.
SearchReport search(const SearchOptions& options);

/// What a person needs to know of a failure, with the command that replays it.
std::string describe_failure(const RunOptions& options, const RunReport& report, const std::string& program);
/// The least faults found that still break the same invariant.
FaultFilter shrink(const RunOptions& options, const RunReport& report);

}  // namespace tidemark::sim
