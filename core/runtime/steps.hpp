#pragma once
// Processes of several steps, each a command to a boundary of its own: reserve, act, confirm.
//
//   struct SignUp {
//     static constexpr std::string_view kName = "people.sign-up";   // its reactor's; the first part is the first step's domain
//     using First = NameReserved;                                   // the event that the first step records
//     struct Plan { ... };                                          // described: all that the later steps are made from
//     static Plan plan(const First& event);
//     /// The step after `done` later steps (0: only the first has been taken), given how the last one ended; nullopt: finished.
//     static std::optional<Step> next(const Plan& plan, std::size_t done, const ReactionResult& last);
//   };
//
// An endpoint runs the steps and answers after the last: run_steps<SignUp>(node, request, plan). A reactor on First's event,
// make_step_reactor<SignUp>(), takes the same steps a little later, under the same command ids: what the endpoint did is
// answered as a repeat, and when the endpoint's node died in between the reactor finishes. So next() is pure, and everything
// that a step needs is in the plan. A reservation that nobody confirms expires by a timer of the first boundary; that may
// come between any two steps, so a confirmation can be refused, and next() then says what to take back.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/runtime/node.hpp"
#include "core/runtime/typed_reactor.hpp"

namespace tidemark::runtime {

struct Step {
  CommandIntent command;
  bool undoes = false;  ///< takes back what earlier steps did: the answer is that of the step before
};

template <class Command>
Step step(std::string domain, const Command& command, bool undoes = false) {
  return Step{*intend(std::move(domain), command).command, undoes};
}

using NextStep = std::function<std::optional<Step>(std::size_t done, const ReactionResult& last)>;

/// Id of the n-th step after the first, from the first one's.
std::string step_command_id(std::string_view first, std::size_t number);

/// Executes `first`, and when that is accepted the steps that `next` names, as the same actor. The outcome is that of the last step
/// that does not undo, with the events and positions of all; its command id is the first's. `failed` as soon as a step is: the
/// reactor goes on, and asking again with the same id gives the answer.
Task<Outcome> run_steps(Node& node, CommandRequest first, NextStep next);

template <class P>
Task<Outcome> run_steps(Node& node, CommandRequest first, typename P::Plan plan) {
  return run_steps(node, std::move(first), [plan = std::move(plan)](std::size_t done, const ReactionResult& last) { return P::next(plan, done, last); });
}

namespace detail {

template <class Plan>
struct StepNote {
  std::string first;  ///< command id of the first step
  std::uint64_t done = 0;
  Plan plan;
  BOOST_DESCRIBE_CLASS(StepNote, (), (first, done, plan), (), ())
};

}  // namespace detail

/// `grace`: how long the reactor leaves the steps to the endpoint.
template <class P>
class StepReactor final : public Reactor {
  using First = typename P::First;
  using Note = detail::StepNote<typename P::Plan>;

 public:
  explicit StepReactor(Duration grace) : grace_(grace) {}
  const std::string& name() const override { return name_; }
  bool takes(std::string_view event_type) const override { return first_.takes(event_type); }

  std::vector<Intent> react(std::string_view event_type, std::string_view data, const RowReader& state, const EventContext& context) const override {
    auto intents = first_.react(event_type, data, state, context);
    for (Intent& intent : intents) intent.delay_ms = grace_.count();
    return intents;
  }
  std::vector<Intent> ended(const ReactionResult& result) const override {
    std::vector<event::FieldError> errors;
    auto note = event::from_json<Note>(result.intent.note, event::Decoding::tolerant, errors);
    if (!note) throw std::runtime_error("its note does not decode");
    return intent_after(std::move(*note), result);
  }

 private:
  static std::vector<Intent> intent_after(Note note, const ReactionResult& last) {
    auto step = P::next(note.plan, note.done, last);
    if (!step) return {};
    ++note.done;
    Intent intent;
    intent.id = step_command_id(note.first, note.done);
    intent.command = std::move(step->command);
    intent.note = event::to_json(note);
    return {std::move(intent)};
  }

  struct OnFirst {
    static constexpr std::string_view kName = P::kName;
    using Event = std::variant<First>;
    static std::vector<Intent> react(const RowReader&, const Event& event, const EventContext& context) {
      return intent_after(Note{std::string(context.command_id), 0, P::plan(std::get<First>(event))}, ReactionResult{});
    }
  };
  const TypedReactor<OnFirst> first_;
  const std::string name_{P::kName};
  const Duration grace_;
};

template <class P>
std::shared_ptr<const Reactor> make_step_reactor(Duration grace = std::chrono::seconds(2)) { return std::make_shared<StepReactor<P>>(grace); }

}  // namespace tidemark::runtime
