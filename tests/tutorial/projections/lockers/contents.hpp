#pragma once
// Read model "lockers.contents": what lies in a locker now, by compartment.

#include <string>
#include <string_view>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/lockers/lockers.hpp"

namespace tidemark::projections::lockers {

struct Contents {
  static constexpr std::string_view kName = "lockers.contents";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::lockers::kParcelsTopic)}; }
  using Event = schemas::lockers::Event;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

struct Occupied {
  std::uint32_t compartment = 0;
  std::string parcel;
  std::int64_t keep_until = 0;  ///< ms since 1970
};
BOOST_DESCRIBE_STRUCT(Occupied, (), (compartment, parcel, keep_until))

/// The occupied compartments of a locker, in order of their numbers.
std::vector<Occupied> contents_of(const RowReader& rows, const std::string& locker);

}  // namespace tidemark::projections::lockers
