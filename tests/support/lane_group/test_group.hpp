#pragma once
// A group of nodes whose mind a test makes up.

#include <functional>
#include <vector>

#include "core/runtime/lane_group.hpp"

namespace tidemark::testing {

class TestGroup final : public runtime::LaneGroup {
 public:
  void join(std::function<void(const std::vector<LaneId>&)> proposed) override { proposed_ = std::move(proposed); }
  void agree_anew() override { ++asked_anew; }
  void leave(Fn<void()> done) override {
    proposed_ = nullptr;
    done();
  }
  bool in_force() const override { return is_in_force; }
  int asked_anew = 0;
  bool is_in_force = true;
  void propose(std::vector<std::uint32_t> lanes) {
    std::vector<LaneId> ids;
    for (const auto lane : lanes) ids.push_back(LaneId{lane});
    if (proposed_) proposed_(ids);
  }

 private:
  std::function<void(const std::vector<LaneId>&)> proposed_;
};

}  // namespace tidemark::testing
