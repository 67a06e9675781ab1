#include "projections/lockers/contents.hpp"

#include <gtest/gtest.h>

#include "tests/unit/base/map_rows.hpp"

namespace tidemark::projections::lockers {
namespace {

using namespace schemas::lockers;

std::vector<std::string> parcels(const RowReader& rows, const std::string& locker) {
  std::vector<std::string> names;
  for (const Occupied& occupied : contents_of(rows, locker)) names.push_back(occupied.parcel);
  return names;
}

TEST(LockersContents, ShowWhatLiesInEachLocker) {
  test::MapRows rows;
  for (const Event& event : std::vector<Event>{
           ParcelStored{"north", "p1", 1, 0}, ParcelStored{"south", "p2", 1, 0}, ParcelStored{"north", "p3", 2, 0},
           ParcelCollected{"north", "p1"}, ParcelStored{"north", "p4", 1, 0}, ParcelReturned{"south", "p2"}}) {
    Contents::apply(rows, event, EventContext{});
  }
  EXPECT_EQ(parcels(rows, "north"), (std::vector<std::string>{"p4", "p3"}));
  EXPECT_TRUE(parcels(rows, "south").empty());
}

}  // namespace
}  // namespace tidemark::projections::lockers
