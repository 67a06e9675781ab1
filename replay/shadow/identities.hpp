#pragma once
// Ids that the two servers made for the same thing. Learned where both answer with a new id, then put in place of the
// shadow's wherever it is named.

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tidemark::shadow {

class Identities {
 public:
  /// Remembers the latest so many; older ones are forgotten, and differ then.
  explicit Identities(std::size_t count_max = 2'000'000) : count_max_(count_max) {}

  /// The shadow's id stays what it was learned as: a second meaning is a difference, not a new identity.
  void learn(std::string_view primary, std::string_view shadow);

  /// `text` of the shadow with every word that is one of its ids in the primary's words. A word is a run of A-Z a-z 0-9 _ -;
  /// an id may be followed by "-..." in it, as in a file name.
  std::string in_primary_words(std::string_view text) const;

 private:
  const std::string* find(std::string_view word) const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  const std::size_t count_max_;
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> primary_of_;
  std::deque<std::string> order_;
  std::set<std::size_t> lengths_;  // of the ids of the shadow
};

}  // namespace tidemark::shadow
