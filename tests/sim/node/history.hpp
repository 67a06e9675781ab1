#pragma once
// What has happened in a simulation, and what was found wrong with it.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "tests/sim/node/world.hpp"

namespace tidemark::sim {

/// The first invariant that did not hold.
struct Violation {
  std::string invariant;  ///< short and stable, e.g. "acknowledged command is in the log"
  std::string detail;
  std::uint64_t step = 0;
  SteadyTime at{};
};

class History {
 public:
  explicit History(const World& world, bool recording) : world_(world), recording_(recording) {}

  /// `tell` makes the line; it is not called while nothing is recorded, which is as fast as nothing.
  template <class Tell>
  void note(Tell tell) {
    if (recording_) add(tell());
  }
  void violated(std::string invariant, std::string detail) {
    note([&] { return "VIOLATION " + invariant + ": " + detail; });
    if (!violation_) violation_ = Violation{std::move(invariant), std::move(detail), world_.steps(), world_.now()};
  }
  const std::optional<Violation>& violation() const { return violation_; }
  bool recording() const { return recording_; }
  const std::deque<std::string>& lines() const { return lines_; }
  /// Of everything noted, while recording: the same for the same seed.
  std::uint64_t digest() const { return digest_; }
  void print_each(bool on) { print_ = on; }

 private:
  void add(std::string line);

  const World& world_;
  const bool recording_;
  bool print_ = false;
  std::optional<Violation> violation_;
  std::deque<std::string> lines_;
  std::uint64_t digest_ = 0xcbf29ce484222325u;
};

}  // namespace tidemark::sim
