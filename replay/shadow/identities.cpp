#include "replay/shadow/identities.hpp"

namespace tidemark::shadow {
namespace {

bool in_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

}  // namespace

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
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end == at) {
      out.push_back(text[at++]);
      continue;
    }
    const std::string_view word = text.substr(at, end - at);
    const std::string* primary = find(word);
    std::size_t used = word.size();
    for (auto length = lengths_.begin(); !primary && length != lengths_.end() && *length < word.size(); ++length) {
      if (word[*length] != '-') continue;
      primary = find(word.substr(0, *length));
      if (primary) used = *length;
    }
    out.append(primary ? std::string_view(*primary) : word.substr(0, used));
    at += used;
  }
  return out;
}

}  // namespace tidemark::shadow
