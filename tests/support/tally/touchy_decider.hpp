#pragma once
// The decider of "tally", which breaks at commands whose data holds one of some words, while it does.

#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/support/tally/tally.hpp"

namespace tidemark::testing::tally {

struct Touches {
  std::set<std::string> throws;       ///< thrown at once it is decided and its events are folded
  std::set<std::string> undecodable;  ///< names of commands that do not decode
};

class TouchyDecider final : public runtime::Decider {
 public:
  TouchyDecider(std::shared_ptr<const runtime::Decider> inner, std::shared_ptr<const Touches> touches)
      : inner_(std::move(inner)), touches_(std::move(touches)) {}

  std::unique_ptr<runtime::DecodedCommand> decode(std::string_view name, std::string_view json, runtime::BadInput& errors) const override {
    if (touches_->undecodable.contains(std::string(name))) return nullptr;
    return inner_->decode(name, json, errors);
  }
  runtime::Verdict decide(const runtime::DecodedCommand& command, const Context& context, std::string_view settings, State& state,
                          const std::function<std::string(std::size_t)>& event_id) const override {
    auto verdict = inner_->decide(command, context, settings, state, event_id);
    for (const auto& word : touches_->throws) {
      if (command.canonical_data().find('"' + word + '"') != std::string::npos) throw std::runtime_error("cannot bear " + word);
    }
    return verdict;
  }
  Result<bool> evolve(const event::Event& event, State& state) const override { return inner_->evolve(event, state); }
  bool is_ignorable(std::string_view type) const override { return inner_->is_ignorable(type); }
  std::string second_subject(const event::Event& event) const override { return inner_->second_subject(event); }

 private:
  std::shared_ptr<const runtime::Decider> inner_;
  std::shared_ptr<const Touches> touches_;
};

}  // namespace tidemark::testing::tally
