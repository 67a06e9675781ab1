#pragma once
// Keys of a domain's state store. One store per domain holds the state of all lanes; every key is in one of these areas
// (the first byte; 0x00 belongs to the store itself).
//
//   0x01 | boundary          | row key   domain rows, scoped to their boundary
//   0x02 | lane | subject                version of the subject's stream: varint of the next sequence
//   0x03 | command id (16)               a keyed command: lane, tmseq of its decision, recorded time, fingerprint
//   0x04 | lane | time | command id      the same by age, for forgetting them after the window
//   0x05 | lane | due | boundary | name  a timer
//   0x06 | boundary | name               when that timer is due
//   0x07 | lane                          LaneInfo
//   0x08 | lane | reaction id (16)       an intent that has not ended (reaction_records.hpp)
//   0x09 | projection | version | topic | lane | tmseq   an event left out of a projection (projection_skip.hpp)
//
// Text parts are key parts of row_codec.hpp; lane is 4 bytes and times are 8 bytes of milliseconds, big-endian.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/decision.hpp"
#include "core/base/ids.hpp"
#include "core/base/rows.hpp"
#include "core/runtime/input_position.hpp"

namespace tidemark::runtime {

std::string scope_prefix(std::string_view boundary);

/// Facts of a lane that are folded from its LaneTaken events and decisions.
struct LaneInfo {
  Time last_time{};      ///< recorded time of the last decision
  Time taken{};          ///< recorded time of the last LaneTaken
  Time forgot{};         ///< recorded time of the last decision that forgot old commands
  std::string settings = "{}";
  std::optional<InputPosition> input{};  ///< of the last decision that has one
};
LaneInfo load_lane_info(const RowReader& rows, LaneId lane);
void save_lane_info(RowWriter& rows, LaneId lane, const LaneInfo& info);

std::uint64_t next_sequence(const RowReader& rows, LaneId lane, std::string_view subject);
void save_next_sequence(RowWriter& rows, LaneId lane, std::string_view subject, std::uint64_t next);

/// A keyed command that was decided within the window.
struct KnownCommand {
  LaneId lane;
  Tmseq decision;
  Time time{};
  std::string fingerprint;  ///< 32 bytes
};
std::optional<KnownCommand> find_command(const RowReader& rows, const Uuid& id);
void remember_command(RowWriter& rows, const Uuid& id, const KnownCommand& command);
/// Forgets up to `most` commands of the lane that were decided before `before`. `forgotten` is where the last call ended
/// (empty at first): nothing below it is looked at again, since a lane's time never goes back.
void forget_commands(RowWriter& rows, LaneId lane, Time before, std::size_t most, std::string& forgotten);

/// Forgetting is part of folding a decision, ten times a second of recorded time at most and kForgetAtOnce commands each
/// time, so that live and folded rows are the same and the index stays within the window at 10,000 commands a second.
inline constexpr Duration kForgetInterval{100};
inline constexpr std::size_t kForgetAtOnce = 1024;
void forget_when_due(RowWriter& rows, LaneId lane, LaneInfo& info, Time now, Duration window, std::string& forgotten);

struct TimerEntry {
  std::string key;  ///< row key: identity of this arming
  Time due{};
  std::string boundary, name, command, data;
};
/// The earliest timers of a lane, in order of due time, from `from_key` on (empty: from the first), until `visit` says no.
void scan_timers(const RowReader& rows, LaneId lane, std::string_view from_key, FnRef<bool(const TimerEntry&)> visit);
/// One timer by its row key; nothing when it is not set any more.
std::optional<TimerEntry> find_timer(const RowReader& rows, std::string_view timer_key);
/// True when the row key belongs to the timers by due time.
bool is_timer_key(std::string_view row_key);
/// When the timer of that key is due.
Time timer_due(std::string_view timer_key);
/// The least key that may be one.
std::string_view timer_area();

/// The State of one boundary over the rows of the store.
class BoundaryState final : public State {
 public:
  BoundaryState(RowWriter& rows, LaneId lane, std::string_view boundary);
  bool get(std::string_view key, std::string& value) const override { return scoped_.get(key, value); }
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override { scoped_.scan(from, to, visit); }
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override { scoped_.scan_back(from, to, visit); }
  void put(std::string_view key, std::string_view value) override { scoped_.put(key, value); }
  void erase(std::string_view key) override { scoped_.erase(key); }
  void set_timer(std::string_view name, const Timer& timer) override;
  void clear_timer(std::string_view name) override;

 private:
  RowWriter& rows_;
  LaneId lane_;
  std::string boundary_;
  PrefixedRows scoped_;
};

}  // namespace tidemark::runtime
