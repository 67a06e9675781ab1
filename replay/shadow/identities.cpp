#include "replay/shadow/identities.hpp"

#include "replay/shadow/words.hpp"

namespace tidemark::shadow {
void Identities::learn(std::string_view primary, std::string_view shadow) {
  if (primary == shadow || shadow.empty() || find(shadow)) return;
  primary_of_.emplace(shadow, primary);
  order_.emplace_back(shadow);
  lengths_.insert(shadow.size());
  if (order_.size() <= count_max_) return;
  primary_of_.erase(order_.front());
  order_.pop_front();
}

const std::string* Identities::find(std::string_view word) const {
  const auto found = primary_of_.find(word);
  return found == primary_of_.end() ? nullptr : &found->second;
}

std::string Identities::in_primary_words(std::string_view text) const {
  if (primary_of_.empty()) return std::string(text);
  return with_words_replaced(text, lengths_, [this](std::string_view word) { return find(word); });
}

}  // namespace tidemark::shadow
