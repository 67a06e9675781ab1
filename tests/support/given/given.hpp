#pragma once
// Given events, when a command, then events, a reply or a refusal: for any domain of core/base/decision.hpp.
//
//   given<Builds>({submitted("b1")}).when(CancelBuild{.build_id = "b1"}).then({BuildCancelled{...}, ...});
//   given<Builds>({}).when(CancelBuild{.build_id = "late"}).then_refused("BUILD_NOT_FOUND", 404);
//
// Every when() folds what it decided, so steps can follow each other; after(ms) lets time pass. Events pass through
// JSON on their way into the state, as they do through the log.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/ids.hpp"
#include "core/event/json.hpp"
#include "tests/support/given/memory_state.hpp"

namespace tidemark::testing {

/// "Type {json}", for comparing and printing.
template <class Variant>
std::string show(const Variant& value) {
  return std::visit([](const auto& v) -> std::string {
    using T = std::decay_t<decltype(v)>;
    if constexpr (std::is_same_v<T, std::monostate>) return "{}";
    else if constexpr (requires { T::kType; }) return std::string(T::kType) + " " + event::to_json(v);
    else return event::to_json(v);
  }, value);
}

/// The value after a trip through JSON.
template <class Variant>
Variant through_json(const Variant& value) {
  return std::visit([](const auto& v) -> Variant {
    using T = std::decay_t<decltype(v)>;
    std::vector<event::FieldError> errors;
    auto back = event::from_json<T>(event::to_json(v), event::Decoding::strict, errors);
    EXPECT_TRUE(back) << event::to_json(v)
        << (errors.empty() ? "" : ": " + errors[0].pointer + " " + errors[0].message);
    return back ? Variant(std::move(*back)) : Variant(v);
  }, value);
}

template <class D>
class Given {
 public:
  using Command = typename D::Command;
  using Event = typename D::Event;
  using Reply = typename D::Reply;
  using Settings = typename D::Settings;
  static constexpr std::int64_t kStart = 1'700'000'000'000;  ///< ms, when the first event happened

  explicit Given(std::vector<Event> history) {
    for (const Event& event : history) fold(event);
  }

  Given& with(Settings settings) { settings_ = std::move(settings); return *this; }
  Given& after(std::int64_t ms) { now_ += ms; return *this; }
  Given& lane_taken_now() { lane_taken_ = now_; return *this; }
  Given& event(const Event& event) { fold(event); return *this; }

  Given& when(const Command& command) {
    command_id_ = to_string(derive_uuid("given", "command", ++commands_));
    const Context context{from_ms(now_), from_ms(lane_taken_), command_id_, "test", boundary_};
    decision_ = D::decide(state_, through_json(command), context, settings_);
    if (const auto* accepted = std::get_if<Accepted<Event, Reply>>(&decision_)) {
      EXPECT_FALSE(accepted->events.empty());
      for (const Event& event : accepted->events) fold(event);
    }
    return *this;
  }

  Given& then(const std::vector<Event>& expected) {
    EXPECT_EQ(shown(expected), shown(events())) << outcome();
    return *this;
  }
  /// Only the types, for steps whose content another test covers.
  Given& then_types(const std::vector<std::string>& expected) {
    std::vector<std::string> types;
    for (const Event& event : events()) std::visit([&](const auto& e) { types.emplace_back(e.kType); }, event);
    EXPECT_EQ(expected, types) << outcome();
    return *this;
  }
  Given& then_reply(const Reply& expected) {
    EXPECT_EQ(show(expected), show(reply())) << outcome();
    return *this;
  }
  Given& then_nothing() {
    EXPECT_TRUE(std::holds_alternative<Nothing<Reply>>(decision_)) << outcome();
    return *this;
  }
  /// Nothing, and a wish to be called again so many ms from now.
  Given& then_nothing_until(std::int64_t ms) {
    const auto* nothing = std::get_if<Nothing<Reply>>(&decision_);
    EXPECT_TRUE(nothing) << outcome();
    if (nothing) {
      EXPECT_EQ(to_ms(nothing->again_at.value_or(Time{})) - now_, ms);
    }
    return *this;
  }
  Given& then_refused(std::string_view reason, int status) {
    const auto* refused = std::get_if<Refused>(&decision_);
    EXPECT_TRUE(refused) << outcome();
    if (refused) {
      EXPECT_EQ(refused->reason, reason);
      EXPECT_EQ(refused->status, status);
      EXPECT_FALSE(refused->detail.empty());
    }
    return *this;
  }

  std::vector<Event> events() const {
    const auto* accepted = std::get_if<Accepted<Event, Reply>>(&decision_);
    return accepted ? accepted->events : std::vector<Event>{};
  }
  Reply reply() const {
    if (const auto* accepted = std::get_if<Accepted<Event, Reply>>(&decision_)) return accepted->reply;
    if (const auto* nothing = std::get_if<Nothing<Reply>>(&decision_)) return nothing->reply;
    return Reply{};
  }
  const Decision<Event, Reply>& decision() const { return decision_; }
  const MemoryState& state() const { return state_; }
  const std::string& command_id() const { return command_id_; }
  std::int64_t now() const { return now_; }
  /// Everything folded so far with its time and command, in order.
  struct Recorded {
    Event event;
    std::int64_t time = 0;
    std::string command_id;
  };
  const std::vector<Recorded>& history() const { return history_; }

  /// The state folded anew from the history.
  MemoryState replayed() const {
    MemoryState fresh;
    for (const Recorded& r : history_)
      D::evolve(fresh, through_json(r.event), EventContext{from_ms(r.time), "event", r.command_id, boundary_});
    return fresh;
  }

 private:
  void fold(const Event& event) {
    D::evolve(state_, through_json(event), EventContext{from_ms(now_), "event", command_id_, boundary_});
    history_.push_back({event, now_, command_id_});
  }
  static std::vector<std::string> shown(const std::vector<Event>& events) {
    std::vector<std::string> out;
    for (const Event& event : events) out.push_back(show(event));
    return out;
  }
  std::string outcome() const {
    if (const auto* refused = std::get_if<Refused>(&decision_)) return "refused: " + refused->reason;
    if (std::holds_alternative<Nothing<Reply>>(decision_)) return "nothing: " + show(reply());
    std::string out = "accepted:";
    for (const auto& line : shown(events())) out += "\n  " + line;
    return out;
  }

  MemoryState state_;
  Settings settings_;
  Decision<Event, Reply> decision_{Nothing<Reply>{}};
  std::vector<Recorded> history_;
  std::string command_id_ = "00000000-0000-8000-8000-000000000000";
  std::string boundary_ = "default";
  std::uint64_t commands_ = 0;
  std::int64_t now_ = kStart;
  std::int64_t lane_taken_ = 0;
};

template <class D>
Given<D> given(std::vector<typename D::Event> history) { return Given<D>(std::move(history)); }

}  // namespace tidemark::testing
