#include "core/runtime/steps.hpp"

#include <iterator>

namespace tidemark::runtime {
namespace {

std::optional<ReactionResult> result_of(const Outcome& outcome) {
  ReactionResult result;
  result.reply = outcome.reply;
  if (outcome.kind == Outcome::Kind::failed) return std::nullopt;
  if (outcome.kind == Outcome::Kind::accepted || outcome.kind == Outcome::Kind::nothing) return result;
  // What the reactor would give up, ends here too.
  result.kind = outcome.kind == Outcome::Kind::refused ? ReactionResult::Kind::refused : ReactionResult::Kind::dead;
  result.reason = outcome.reason;
  result.detail = outcome.detail;
  result.status = outcome.status;
  return result;
}

}  // namespace

std::string step_command_id(std::string_view first, std::size_t number) { return to_string(derive_uuid(first, "step", number)); }

Task<Outcome> run_steps(Node& node, CommandRequest first, NextStep next) {
  Scheduler& scheduler = node.scheduler();
  if (first.command_id.empty()) first.command_id = to_string(make_uuid_v7(scheduler.wall(), scheduler.random(), scheduler.random()));
  const std::string id = first.command_id;
  auto first_step = node.execute(first);
  Outcome answer = co_await std::move(first_step);
  if (answer.kind != Outcome::Kind::accepted) co_return answer;
  auto last = result_of(answer);
  for (std::size_t done = 0;; ++done) {
    auto step = next(done, *last);
    if (!step) co_return answer;
    CommandRequest request = first;
    request.domain = std::move(step->command.domain);
    request.name = std::move(step->command.name);
    request.data = std::move(step->command.data.raw);
    request.command_id = step_command_id(id, done + 1);
    request.causation_id = id;
    request.keyed = true;
    auto executing = node.execute(std::move(request));
    Outcome outcome = co_await std::move(executing);
    last = result_of(outcome);
    outcome.command_id = id;
    if (!last) co_return outcome;
    outcome.events.insert(outcome.events.begin(), std::make_move_iterator(answer.events.begin()), std::make_move_iterator(answer.events.end()));
    outcome.position.merge(answer.position);
    if (step->undoes) {
      answer.events = std::move(outcome.events);
      answer.position = std::move(outcome.position);
    } else {
      answer = std::move(outcome);
    }
  }
}

}  // namespace tidemark::runtime
