#include "core/store/merged_scan.hpp"
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

void Overlay::take(Overlay& upper) {
  while (!upper.changes_.empty()) {
    auto moved = changes_.insert(upper.changes_.extract(upper.changes_.begin()));
    if (!moved.inserted) moved.position->second = std::move(moved.node.mapped());
  }
}

void Overlay::scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  merged_scan(*base_, changes_, from, to, visit);
}

void Overlay::scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const {
  merged_scan_back(*base_, changes_, from, to, visit);
}

}  // namespace tidemark::store
