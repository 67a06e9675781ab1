#pragma once
// What the rules remember of the builds that they have seen, so that a rule about a pending build is applied to pending
// builds only. Bounded: builds seen longest ago are forgotten, and what concerned them is a difference again.

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "replay/shadow/rules.hpp"

namespace tidemark::schemas::builds::shadow {

struct BuildNote {
  std::string worker;            ///< last one that the shadow gave the build to
  bool given = false;            ///< the shadow gave it to a worker and did not take it back
  bool cancelled = false;        ///< the shadow cancelled it
  bool cancelled_unassigned = false;
  std::string_view parted_by;    ///< rule since which the two servers hold it in different states
};

class Memory {
 public:
  explicit Memory(std::size_t builds_max = 1'000'000) : builds_max_(builds_max) {}

  const BuildNote* find(std::string_view build) const;
  /// Builds that are in two states, or were.
  std::uint64_t parted() const { return parted_; }
  std::uint64_t cancelled_unassigned() const { return cancelled_unassigned_; }

  /// Takes in what the pair shows.
  void seen(const tidemark::shadow::Exchange& exchange);
  /// Every build that the exchange names is in two states from here on.
  void part(const tidemark::shadow::Exchange& exchange, std::string_view rule);

 private:
  BuildNote& note(std::string_view build);
  void part(std::string_view build, std::string_view rule);

  const std::size_t builds_max_;
  std::unordered_map<std::string, BuildNote> builds_;
  std::deque<std::string> order_;
  std::uint64_t parted_ = 0, cancelled_unassigned_ = 0;
};

/// The build that a request is about: of the path, of a JSON body's or a form's build_id. Empty when none.
std::string_view build_of(const tidemark::shadow::Exchange& exchange);

/// Value of a text field in a multipart body; empty when absent. Looks for the field's head, without parsing the whole form.
std::string_view form_field(const tidemark::shadow::Request& request, std::string_view name);
/// True when the form has a file of that name.
bool form_has_file(const tidemark::shadow::Request& request, std::string_view name);

}  // namespace tidemark::schemas::builds::shadow
