#include "core/runtime/reaction_lookup.hpp"

#include "core/runtime/decision_record.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {

Result<std::optional<Outcome>> find_decided(const log::EventLog& log, const OpenTopic& decisions, LaneId lane,
                                            const std::string& command_id, Time since) {
  std::uint64_t low = log.begin(decisions.id, lane).value, high = log.end(decisions.id, lane).value;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    auto event = read_event(log, decisions.id, decisions.spec.name, lane, Tmseq{middle});
    if (!event) return event.take_error();
    if (event->envelope.time < since) low = middle + 1;
    else high = middle;
  }
  LogCursor cursor(log, decisions.id, decisions.spec.name, lane, Tmseq{low});
  for (;;) {
    auto head = cursor.peek();
    if (!head) return head.take_error();
    if (*head == nullptr) return std::optional<Outcome>();
    if ((*head)->envelope.commandid == command_id) break;
    cursor.pop();
  }
  const event::Event& decided = **cursor.peek();
  auto record = decode_decision(decided.data);
  if (!record) return record.take_error();
  if (decisions.personal) {
    if (auto opened = decisions.personal->open_decision(decided.envelope, *record); !opened) return opened.take_error();
  }
  Outcome outcome;
  outcome.command_id = command_id;
  outcome.replayed = true;
  outcome.kind = record->verdict == "accepted" ? Outcome::Kind::accepted : Outcome::Kind::refused;
  outcome.reason = record->reason.value_or("");
  outcome.detail = record->detail.value_or("");
  outcome.status = record->status.value_or(409);
  if (record->reply) outcome.reply = record->reply->raw;
  return std::optional<Outcome>(std::move(outcome));
}

}  // namespace tidemark::runtime
