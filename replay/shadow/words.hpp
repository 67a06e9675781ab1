#pragma once
// Putting one server's ids in place of the other's: as words inside texts.

#include <set>
#include <string>
#include <string_view>

namespace tidemark::shadow {

/// A run of these is a word.
constexpr bool in_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

/// `text` with every word replaced for which `find` (std::string_view -> const std::string*) knows another. A known word may be
/// followed by "-..." in a longer one, as in a file name; `lengths` are those of the known words.
template <class Find>
std::string with_words_replaced(std::string_view text, const std::set<std::size_t>& lengths, Find&& find) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end == at) {
      out.push_back(text[at++]);
      continue;
    }
    const std::string_view word = text.substr(at, end - at);
    const std::string* other = find(word);
    std::size_t used = word.size();
    for (auto length = lengths.begin(); !other && length != lengths.end() && *length < word.size(); ++length) {
      if (word[*length] != '-') continue;
      other = find(word.substr(0, *length));
      if (other) used = *length;
    }
    out.append(other ? std::string_view(*other) : word.substr(0, used));
    at += used;
  }
  return out;
}

}  // namespace tidemark::shadow
