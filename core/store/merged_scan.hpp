#pragma once
// Scans over rows in a store with changes in memory above them. Shared by what keeps such changes; not for anyone else.

#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/rows.hpp"

namespace tidemark::store {

inline std::optional<std::string_view> change_value(const std::optional<std::string>& value) { return value; }

// Both scans walk the changes beside the base. `changes` is an ordered map from keys to what change_value() makes an optional
// of (nothing is an erase). A visitor may write: when the number of changes has grown, the place in them is sought again, so
// a row erased ahead of the scan is not visited.
template <class Changes>
void merged_scan(const RowReader& base, const Changes& changes, std::string_view from, std::string_view to,
                 FnRef<bool(std::string_view, std::string_view)> visit) {
  if (!to.empty() && from >= to) return;
  auto at = changes.lower_bound(from);
  bool going = true;
  const auto more = [&] { return at != changes.end() && (to.empty() || std::string_view(at->first) < to); };
  const auto visit_change = [&] {
    const auto change = at++;
    const auto value = change_value(change->second);
    if (!value) return;
    const std::size_t known = changes.size();
    going = visit(change->first, *value);
    if (changes.size() != known) at = changes.upper_bound(change->first);
  };
  base.scan(from, to, [&](std::string_view key, std::string_view value) {
    while (going && more() && at->first < key) visit_change();
    if (!going) return false;
    if (more() && at->first == key) {
      visit_change();
      return going;
    }
    const std::size_t known = changes.size();
    going = visit(key, value);
    if (changes.size() != known) at = changes.upper_bound(key);
    return going;
  });
  while (going && more()) visit_change();
}

template <class Changes>
void merged_scan_back(const RowReader& base, const Changes& changes, std::string_view from, std::string_view to,
                      FnRef<bool(std::string_view, std::string_view)> visit) {
  if (!to.empty() && from >= to) return;
  auto above = to.empty() ? changes.end() : changes.lower_bound(to);  // the next change is the one before it
  bool going = true;
  const auto more = [&] { return above != changes.begin() && std::string_view(std::prev(above)->first) >= from; };
  const auto visit_change = [&] {
    const auto change = --above;
    const auto value = change_value(change->second);
    if (!value) return;
    const std::size_t known = changes.size();
    going = visit(change->first, *value);
    if (changes.size() != known) above = change;
  };
  base.scan_back(from, to, [&](std::string_view key, std::string_view value) {
    while (going && more() && std::prev(above)->first > key) visit_change();
    if (!going) return false;
    if (more() && std::prev(above)->first == key) {
      visit_change();
      return going;
    }
    const std::size_t known = changes.size();
    going = visit(key, value);
    if (changes.size() != known) above = changes.lower_bound(key);
    return going;
  });
  while (going && more()) visit_change();
}

}  // namespace tidemark::store
