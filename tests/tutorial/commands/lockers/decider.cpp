#include "commands/lockers/decider.hpp"

#include "core/base/table.hpp"
#include "core/event/json.hpp"

namespace tidemark::commands::lockers {
namespace {

using namespace schemas::lockers;
using LockersDecision = Decision<Lockers::Event, Lockers::Reply>;

struct ParcelRow {
  std::uint32_t compartment = 0;
  std::int64_t keep_until = 0;
};
BOOST_DESCRIBE_STRUCT(ParcelRow, (), (compartment, keep_until))

// State of one locker: what decisions need, nothing else.
constexpr Table<ParcelRow, std::string> kParcels{16};          // parcel
constexpr Table<std::string, std::uint32_t> kCompartments{17};  // compartment: the parcel in it

std::string timer_of(const std::string& parcel) { return "return/" + parcel; }

LockersDecision store(const RowReader& state, const StoreParcel& command, const Context& context, const Settings& settings) {
  if (kParcels.contains(state, command.parcel)) {
    return Refused{"PARCEL_ALREADY_STORED", "This parcel lies in this locker already", 409};
  }
  std::uint32_t free = 1;
  kCompartments.scan(state, [&](const auto& key, const std::string&) {
    if (std::get<0>(key) != free) return false;
    ++free;
    return true;
  });
  if (free > settings.compartments) return Refused{"LOCKER_FULL", "Every compartment of this locker is taken", 409};
  const std::int64_t keep_until = to_ms(context.now) + settings.keep_ms;
  Accepted<Event, Reply> accepted;
  accepted.events = {ParcelStored{command.locker, command.parcel, free, keep_until}};
  accepted.reply = Stored{free, keep_until};
  return accepted;
}

LockersDecision collect(const RowReader& state, const CollectParcel& command) {
  if (!kParcels.contains(state, command.parcel)) return Refused{"PARCEL_NOT_FOUND", "There is no such parcel in this locker", 404};
  Accepted<Event, Reply> accepted;
  accepted.events = {ParcelCollected{command.locker, command.parcel}};
  return accepted;
}

LockersDecision give_back(const RowReader& state, const ReturnParcel& command, const Context& context) {
  const auto row = kParcels.get(state, command.parcel);
  if (!row) return Nothing<Reply>{};
  if (to_ms(context.now) < row->keep_until) return Nothing<Reply>{{}, from_ms(row->keep_until)};
  Accepted<Event, Reply> accepted;
  accepted.events = {ParcelReturned{command.locker, command.parcel}};
  return accepted;
}

void take_out(State& state, const std::string& parcel) {
  if (const auto row = kParcels.get(state, parcel)) kCompartments.erase(state, row->compartment);
  kParcels.erase(state, parcel);
  state.clear_timer(timer_of(parcel));
}

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

LockersDecision Lockers::decide(const RowReader& state, const Command& command, const Context& context, const Settings& settings) {
  return std::visit(Overloaded{
      [&](const StoreParcel& c) { return store(state, c, context, settings); },
      [&](const CollectParcel& c) { return collect(state, c); },
      [&](const ReturnParcel& c) { return give_back(state, c, context); }},
      command);
}

void Lockers::evolve(State& state, const Event& event, const EventContext&) {
  std::visit(Overloaded{
      [&](const ParcelStored& e) {
        kParcels.put(state, e.parcel, ParcelRow{e.compartment, e.keep_until});
        kCompartments.put(state, e.compartment, e.parcel);
        state.set_timer(timer_of(e.parcel), Timer{from_ms(e.keep_until), std::string(ReturnParcel::kType),
                                                  event::to_json(ReturnParcel{e.locker, e.parcel})});
      },
      [&](const ParcelCollected& e) { take_out(state, e.parcel); },
      [&](const ParcelReturned& e) { take_out(state, e.parcel); }},
      event);
}

}  // namespace tidemark::commands::lockers
