#include "core/runtime/state_layout.hpp"

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"
#include "core/base/row_codec.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kTimerDueAt = 5;  // behind area and lane
constexpr char kScope = 0x01, kStream = 0x02, kCommand = 0x03, kCommandAge = 0x04, kTimer = 0x05, kTimerName = 0x06, kLane = 0x07;

std::string area(char which) { return std::string(1, which); }

std::string lane_area(char which, LaneId lane) {
  std::string key(1, which);
  put_u32_be(key, lane.value);
  return key;
}

void append_time(std::string& key, Time time) { put_u64_be(key, static_cast<std::uint64_t>(to_ms(time))); }

void append_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

std::string take_text(ByteReader& in) { return std::string(in.take(in.varint())); }

std::string stream_key(LaneId lane, std::string_view subject) {
  std::string key = lane_area(kStream, lane);
  key.append(subject);
  return key;
}

std::string command_key(const Uuid& id) {
  std::string key = area(kCommand);
  key.append(id.view());
  return key;
}

std::string command_age_key(LaneId lane, Time time, const Uuid& id) {
  std::string key = lane_area(kCommandAge, lane);
  append_time(key, time);
  key.append(id.view());
  return key;
}

std::string timer_key(LaneId lane, Time due, std::string_view boundary, std::string_view name) {
  std::string key = lane_area(kTimer, lane);
  append_time(key, due);
  append_key_part(key, boundary);
  append_key_part(key, name);
  return key;
}

std::string timer_name_key(std::string_view boundary, std::string_view name) {
  std::string key = area(kTimerName);
  append_key_part(key, boundary);
  append_key_part(key, name);
  return key;
}

}  // namespace

std::string scope_prefix(std::string_view boundary) {
  std::string key = area(kScope);
  append_key_part(key, boundary);
  return key;
}

LaneInfo load_lane_info(const RowReader& rows, LaneId lane) {
  LaneInfo info;
  std::string value;
  if (!rows.get(lane_area(kLane, lane), value)) return info;
  ByteReader in(value);
  info.last_time = from_ms(in.zigzag());
  info.taken = from_ms(in.zigzag());
  info.forgot = from_ms(in.zigzag());
  info.settings = take_text(in);
  if (in.left() > 0) {
    info.input.emplace();
    info.input->log = take_text(in);
    info.input->next = in.varint();
  }
  return info;
}

void save_lane_info(RowWriter& rows, LaneId lane, const LaneInfo& info) {
  std::string value;
  put_zigzag(value, to_ms(info.last_time));
  put_zigzag(value, to_ms(info.taken));
  put_zigzag(value, to_ms(info.forgot));
  append_text(value, info.settings);
  if (info.input) {
    append_text(value, info.input->log);
    put_varint(value, info.input->next);
  }
  rows.put(lane_area(kLane, lane), value);
}

std::uint64_t next_sequence(const RowReader& rows, LaneId lane, std::string_view subject) {
  std::string value;
  if (!rows.get(stream_key(lane, subject), value)) return 0;
  return ByteReader(value).varint();
}

void save_next_sequence(RowWriter& rows, LaneId lane, std::string_view subject, std::uint64_t next) {
  std::string value;
  put_varint(value, next);
  rows.put(stream_key(lane, subject), value);
}

std::optional<KnownCommand> find_command(const RowReader& rows, const Uuid& id) {
  std::string value;
  if (!rows.get(command_key(id), value)) return std::nullopt;
  ByteReader in(value);
  KnownCommand known;
  known.lane = LaneId{static_cast<std::uint32_t>(in.varint())};
  known.decision = Tmseq{in.varint()};
  known.time = from_ms(in.zigzag());
  known.fingerprint = std::string(in.take(32));
  return known;
}

void remember_command(RowWriter& rows, const Uuid& id, const KnownCommand& command) {
  std::string value;
  put_varint(value, command.lane.value);
  put_varint(value, command.decision.value);
  put_zigzag(value, to_ms(command.time));
  value.append(command.fingerprint);
  rows.put(command_key(id), value);
  rows.put(command_age_key(command.lane, command.time, id), "");
}

void forget_commands(RowWriter& rows, LaneId lane, Time before, std::size_t most, std::string& forgotten) {
  if (to_ms(before) <= 0) return;
  const std::string from = forgotten.empty() ? lane_area(kCommandAge, lane) : forgotten + '\0';
  std::string to = lane_area(kCommandAge, lane);
  append_time(to, before);
  if (to <= from) return;
  std::vector<std::string> stale;
  rows.scan(from, to, [&](std::string_view key, std::string_view) {
    stale.emplace_back(key);
    return stale.size() < most;
  });
  for (const auto& key : stale) {
    rows.erase(key);
    // The id may have been used again after its window: then its row belongs to a later age.
    const Uuid id = uuid_from_bytes(std::string_view(key).substr(key.size() - 16));
    const auto known = find_command(rows, id);
    if (known && command_age_key(known->lane, known->time, id) == key) rows.erase(command_key(id));
  }
  if (!stale.empty()) forgotten = stale.back();
}

void forget_when_due(RowWriter& rows, LaneId lane, LaneInfo& info, Time now, Duration window, std::string& forgotten) {
  if (now - info.forgot < kForgetInterval) return;
  info.forgot = now;
  forget_commands(rows, lane, now - window, kForgetAtOnce, forgotten);
}

namespace {
TimerEntry read_timer(std::string_view key, std::string_view value) {
  TimerEntry entry;
  entry.key = std::string(key);
  entry.due = timer_due(key);
  std::string_view rest = key.substr(kTimerDueAt + 8);
  take_key_part(rest, entry.boundary);
  take_key_part(rest, entry.name);
  ByteReader in(value);
  entry.command = take_text(in);
  entry.data = take_text(in);
  return entry;
}
}  // namespace

void scan_timers(const RowReader& rows, LaneId lane, std::string_view from_key, FnRef<bool(const TimerEntry&)> visit) {
  const std::string prefix = lane_area(kTimer, lane);
  rows.scan(from_key.empty() ? prefix : from_key, prefix_end(prefix),
            [&](std::string_view key, std::string_view value) { return visit(read_timer(key, value)); });
}

std::optional<TimerEntry> find_timer(const RowReader& rows, std::string_view timer_key) {
  std::string value;
  if (!rows.get(timer_key, value)) return std::nullopt;
  return read_timer(timer_key, value);
}

bool is_timer_key(std::string_view row_key) { return !row_key.empty() && row_key[0] == kTimer; }

Time timer_due(std::string_view timer_key) {
  TM_ASSERT(timer_key.size() >= kTimerDueAt + 8, "a timer's key is too short");
  return from_ms(static_cast<std::int64_t>(get_u64_be(timer_key.data() + kTimerDueAt)));
}

std::string_view timer_area() { return {&kTimer, 1}; }

BoundaryState::BoundaryState(RowWriter& rows, LaneId lane, std::string_view boundary)
    : rows_(rows), lane_(lane), boundary_(boundary), scoped_(rows, scope_prefix(boundary)) {}

void BoundaryState::set_timer(std::string_view name, const Timer& timer) {
  clear_timer(name);
  std::string value;
  append_text(value, timer.command);
  append_text(value, timer.data);
  rows_.put(timer_key(lane_, timer.due, boundary_, name), value);
  std::string due;
  put_u64_be(due, static_cast<std::uint64_t>(to_ms(timer.due)));
  rows_.put(timer_name_key(boundary_, name), due);
}

void BoundaryState::clear_timer(std::string_view name) {
  const std::string by_name = timer_name_key(boundary_, name);
  std::string due;
  if (!rows_.get(by_name, due)) return;
  rows_.erase(timer_key(lane_, from_ms(static_cast<std::int64_t>(get_u64_be(due.data()))), boundary_, name));
  rows_.erase(by_name);
}

}  // namespace tidemark::runtime
