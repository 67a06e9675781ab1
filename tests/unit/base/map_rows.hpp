#pragma once
// Rows in a std::map: the simplest RowWriter, and the model that cleverer ones are compared with.

#include <map>
#include <string>

#include "core/base/rows.hpp"

namespace tidemark::test {

class MapRows final : public RowWriter {
 public:
  using Visit = FnRef<bool(std::string_view, std::string_view)>;
  std::map<std::string, std::string, std::less<>> rows;

  bool get(std::string_view key, std::string& value) const override {
    const auto found = rows.find(key);
    if (found == rows.end()) return false;
    value = found->second;
    return true;
  }
  void scan(std::string_view from, std::string_view to, Visit visit) const override {
    for (auto at = rows.lower_bound(from); at != rows.end() && (to.empty() || at->first < to); ++at) {
      if (!visit(at->first, at->second)) return;
    }
  }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override {
    auto at = to.empty() ? rows.end() : rows.lower_bound(to);
    while (at != rows.begin() && std::string_view(std::prev(at)->first) >= from) {
      --at;
      if (!visit(at->first, at->second)) return;
    }
  }
  void put(std::string_view key, std::string_view value) override { rows.insert_or_assign(std::string(key), std::string(value)); }
  void erase(std::string_view key) override { rows.erase(std::string(key)); }
};

}  // namespace tidemark::test
