#include "projections/lockers/contents.hpp"

#include "core/base/table.hpp"

namespace tidemark::projections::lockers {
namespace {

using namespace schemas::lockers;

constexpr Table<Occupied, std::string, std::uint32_t> kOccupied{16};       // locker, compartment
constexpr Table<std::uint32_t, std::string, std::string> kCompartment{17};  // locker, parcel: where it lies

void take_out(RowWriter& rows, const std::string& locker, const std::string& parcel) {
  const auto compartment = kCompartment.get(rows, locker, parcel);
  if (!compartment) return;
  kOccupied.erase(rows, locker, *compartment);
  kCompartment.erase(rows, locker, parcel);
}

void change(RowWriter& rows, const ParcelStored& event) {
  kOccupied.put(rows, event.locker, event.compartment, Occupied{event.compartment, event.parcel, event.keep_until});
  kCompartment.put(rows, event.locker, event.parcel, event.compartment);
}
void change(RowWriter& rows, const ParcelCollected& event) { take_out(rows, event.locker, event.parcel); }
void change(RowWriter& rows, const ParcelReturned& event) { take_out(rows, event.locker, event.parcel); }

}  // namespace

void Contents::apply(RowWriter& rows, const Event& event, const EventContext&) {
  std::visit([&](const auto& e) { change(rows, e); }, event);
}

std::vector<Occupied> contents_of(const RowReader& rows, const std::string& locker) {
  std::vector<Occupied> all;
  kOccupied.scan(rows, [&](const auto&, const Occupied& row) {
    all.push_back(row);
    return true;
  }, locker);
  return all;
}

}  // namespace tidemark::projections::lockers
