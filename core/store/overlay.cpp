#include "core/store/store.hpp"

namespace tidemark::store {

bool Overlay::get(std::string_view key, std::string& value) const {
  const auto found = changes_.find(key);
  if (found == changes_.end()) return base_->get(key, value);
  if (!found->second) return false;
  value = *found->second;
  return true;
}

void Overlay::put(std::string_view key, std::string_view value) {
  const auto at = changes_.lower_bound(key);
  if (at != changes_.end() && at->first == key) at->second.emplace(value);
  else changes_.emplace_hint(at, key, value);
}

void Overlay::erase(std::string_view key) {
  const auto at = changes_.lower_bound(key);
  if (at != changes_.end() && at->first == key) at->second.reset();
  else changes_.emplace_hint(at, key, std::nullopt);
}

// Both scans walk the changes beside the base. A visitor may write: when the number of changes has grown, the place in
// them is sought again, so a row erased ahead of the scan is not visited.
void Overlay::scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  if (!to.empty() && from >= to) return;
  auto at = changes_.lower_bound(from);
  bool going = true;
  const auto more = [&] { return at != changes_.end() && (to.empty() || std::string_view(at->first) < to); };
  const auto visit_change = [&] {
    const auto change = at++;
    if (!change->second) return;
    const std::size_t known = changes_.size();
    going = visit(change->first, *change->second);
    if (changes_.size() != known) at = changes_.upper_bound(change->first);
  };
  base_->scan(from, to, [&](std::string_view key, std::string_view value) {
    while (going && more() && at->first < key) visit_change();
    if (!going) return false;
    if (more() && at->first == key) {
      visit_change();
      return going;
    }
    const std::size_t known = changes_.size();
    going = visit(key, value);
    if (changes_.size() != known) at = changes_.upper_bound(key);
    return going;
  });
  while (going && more()) visit_change();
}

void Overlay::scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  if (!to.empty() && from >= to) return;
  auto above = to.empty() ? changes_.end() : changes_.lower_bound(to);  // the next change is the one before it
  bool going = true;
  const auto more = [&] { return above != changes_.begin() && std::string_view(std::prev(above)->first) >= from; };
  const auto visit_change = [&] {
    const auto change = --above;
    if (!change->second) return;
    const std::size_t known = changes_.size();
    going = visit(change->first, *change->second);
    if (changes_.size() != known) above = change;
  };
  base_->scan_back(from, to, [&](std::string_view key, std::string_view value) {
    while (going && more() && std::prev(above)->first > key) visit_change();
    if (!going) return false;
    if (more() && std::prev(above)->first == key) {
      visit_change();
      return going;
    }
    const std::size_t known = changes_.size();
    going = visit(key, value);
    if (changes_.size() != known) above = changes_.lower_bound(key);
    return going;
  });
  while (going && more()) visit_change();
}

}  // namespace tidemark::store
