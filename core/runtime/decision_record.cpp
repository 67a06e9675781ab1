#include "core/runtime/decision_record.hpp"

#include "core/base/ids.hpp"
#include "core/event/json.hpp"

namespace tidemark::runtime {
namespace {

template <class T>
Result<T> decode(std::string_view json, const char* what) {
  std::vector<event::FieldError> errors;
  auto value = event::from_json<T>(json, event::Decoding::tolerant, errors);
  if (value) return std::move(*value);
  std::string message = std::string(what) + " does not decode";
  if (!errors.empty()) message += ": " + errors.front().pointer + " " + errors.front().message;
  return make_error(Code::corrupt, std::move(message));
}

}  // namespace

std::string encode_decision(const DecisionRecord& record) { return event::to_json(record); }
Result<DecisionRecord> decode_decision(std::string_view json) { return decode<DecisionRecord>(json, "a decision record"); }
std::string encode_lane_taken(const LaneTaken& taken) { return event::to_json(taken); }
Result<LaneTaken> decode_lane_taken(std::string_view json) { return decode<LaneTaken>(json, "a LaneTaken event"); }

std::string event_id_of(std::string_view command_id, std::size_t index) {
  return to_string(derive_uuid(command_id, "event", index));
}

}  // namespace tidemark::runtime
