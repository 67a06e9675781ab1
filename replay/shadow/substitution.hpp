#pragma once
// What the shadow calls the things of the primary: each value that the primary made, such as an id or a token, with the one that
// the shadow made in its place. Puts them into recorded requests before they are sent.

#include <list>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "replay/shadow/rules.hpp"

namespace tidemark::shadow {

class Substitution {
 public:
  /// Remembers so many values; the one that was used longest ago is forgotten first.
  explicit Substitution(std::size_t count_max = 2'000'000) : count_max_(count_max) {}

  /// From here on `primary` is sent as `shadow`. The latest meaning holds: a token that the shadow renewed is the newer one.
  void learn(std::string_view primary, std::string_view shadow);
  std::size_t size() const { return values_.size(); }

  /// `text` when it is a value as a whole, or with every word that is one (words.hpp).
  std::string in_shadow_words(std::string_view text);
  /// In the target, in headers, in string values of a JSON body (not in names), in text fields of a form. Bytes of files, and
  /// bodies that are neither JSON nor a form, stay as they are; so does everything around a replaced value.
  Request in_shadow_words(const Request& request);

 private:
  struct Value {
    std::string primary, shadow;
  };
  const std::string* find(std::string_view primary);
  std::string json_body(const std::string& body);
  std::string form_body(const std::string& body, const std::string& boundary);

  const std::size_t count_max_;
  std::list<Value> values_;  // the one used longest ago first; the map's keys are views into it
  std::unordered_map<std::string_view, std::list<Value>::iterator> by_primary_;
  std::set<std::size_t> lengths_;
};

/// Learns from a pair with both answers what each server made for itself, where the domain says that it does and both agreed.
void learn_generated(const Rules& rules, const Pair& pair, Substitution& table);

/// The primary's own key, when the request shows it (ApiKeyPlace); empty when it does not. A view into the pair.
std::string_view shown_api_key(const Rules& rules, const Pair& pair);

}  // namespace tidemark::shadow
