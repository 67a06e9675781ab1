#pragma once
// State of one boundary in memory: rows and timers, for tests of pure deciders and projections.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/decision.hpp"

namespace tidemark::testing {

class MemoryState final : public State {
 public:
  bool get(std::string_view key, std::string& value) const override {
    const auto at = rows_.find(key);
    if (at == rows_.end()) return false;
    value = at->second;
    return true;
  }
  void scan(std::string_view from, std::string_view to,
            FnRef<bool(std::string_view, std::string_view)> visit) const override {
    const auto end = to.empty() ? rows_.end() : rows_.lower_bound(to);
    for (auto at = rows_.lower_bound(from); at != end; ++at) {
      if (!visit(at->first, at->second)) return;
    }
  }
  void scan_back(std::string_view from, std::string_view to,
                 FnRef<bool(std::string_view, std::string_view)> visit) const override {
    const auto begin = rows_.lower_bound(from);
    for (auto at = to.empty() ? rows_.end() : rows_.lower_bound(to); at != begin;) {
      --at;
      if (!visit(at->first, at->second)) return;
    }
  }
  void put(std::string_view key, std::string_view value) override {
    rows_.insert_or_assign(std::string(key), std::string(value));
  }
  void erase(std::string_view key) override {
    if (const auto at = rows_.find(key); at != rows_.end()) rows_.erase(at);
  }
  void set_timer(std::string_view name, const Timer& timer) override {
    timers_.insert_or_assign(std::string(name), timer);
  }
  void clear_timer(std::string_view name) override { timers_.erase(std::string(name)); }

  const std::map<std::string, std::string, std::less<>>& rows() const { return rows_; }
  const std::map<std::string, Timer>& timers() const { return timers_; }
  std::optional<Timer> timer(const std::string& name) const {
    const auto at = timers_.find(name);
    return at == timers_.end() ? std::nullopt : std::optional<Timer>(at->second);
  }

 private:
  std::map<std::string, std::string, std::less<>> rows_;
  std::map<std::string, Timer> timers_;
};

}  // namespace tidemark::testing
