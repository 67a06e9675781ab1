#include "core/runtime/projection_skip.hpp"

#include "core/base/table.hpp"
#include "core/event/json.hpp"

namespace tidemark::runtime {
namespace {

struct SkipRow {
  std::string event_id, reason, actor;
};
BOOST_DESCRIBE_STRUCT(SkipRow, (), (event_id, reason, actor))

// projection, version, topic, lane, tmseq; the number is an area of the lane's state (state_layout.hpp)
constexpr Table<SkipRow, std::string, std::int32_t, std::string, LaneId, Tmseq> kSkips{9};

void save(RowWriter& rows, LaneId lane, const ProjectionEventSkipped& skip, std::string_view actor) {
  kSkips.put(rows, skip.projection, skip.version, skip.topic, lane, Tmseq{skip.tmseq},
             SkipRow{skip.event_id, skip.reason, std::string(actor)});
}

}  // namespace

SkipEventCommand::SkipEventCommand(LaneId lane, const ProjectionEventSkipped& skip)
    : skip_(skip), boundary_("lane-" + std::to_string(lane.value)), data_(event::to_json(skip)) {}

Verdict SkipEventCommand::decide(const std::string& topic, LaneId lane, std::string_view actor, RowWriter& rows) const {
  Verdict verdict;
  if (kSkips.contains(rows, skip_.projection, skip_.version, skip_.topic, lane, Tmseq{skip_.tmseq})) return verdict;
  save(rows, lane, skip_, actor);
  verdict.kind = Verdict::Kind::accepted;
  verdict.events.push_back({topic, std::string(kEventSkippedType), boundary_, boundary_, data_});
  return verdict;
}

Result<void> fold_skip(LaneId lane, const event::Event& event, RowWriter& rows) {
  std::vector<event::FieldError> errors;
  const auto skip = event::from_json<ProjectionEventSkipped>(event.data, event::Decoding::tolerant, errors);
  if (!skip) return make_error(Code::corrupt, "event " + event.envelope.id + " of type " + event.envelope.type + " does not decode");
  save(rows, lane, *skip, event.envelope.actor);
  return {};
}

std::vector<SkippedEvent> load_skips(const RowReader& state, const ProjectionSpec& projection) {
  std::vector<SkippedEvent> skips;
  kSkips.scan(state, [&](const auto& key, const SkipRow& row) {
    const auto& [name, version, topic, lane, at] = key;
    skips.push_back({topic, lane, at, row.event_id, row.reason, row.actor});
    return true;
  }, projection.name, projection.version);
  return skips;
}

}  // namespace tidemark::runtime
