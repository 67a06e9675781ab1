#include "commands/lockers/decider.hpp"

#include "tests/support/given/given.hpp"

namespace tidemark::commands::lockers {
namespace {

using namespace schemas::lockers;
using testing::given;

constexpr std::int64_t kNow = testing::Given<Lockers>::kStart;

ParcelStored stored(std::string parcel, std::uint32_t compartment, std::int64_t keep_until = kNow + 1000) {
  return {"north", std::move(parcel), compartment, keep_until};
}

TEST(LockersDecider, AParcelGetsTheFirstFreeCompartment) {
  given<Lockers>({stored("p1", 1), stored("p3", 3)})
      .with({.compartments = 20, .keep_ms = 1000})
      .when(StoreParcel{"north", "p2"})
      .then({stored("p2", 2)})
      .then_reply(Stored{2, kNow + 1000});
}

TEST(LockersDecider, AFullLockerTakesNothing) {
  given<Lockers>({stored("p1", 1)}).with({.compartments = 1}).when(StoreParcel{"north", "p2"}).then_refused("LOCKER_FULL", 409);
}

TEST(LockersDecider, AParcelIsStoredOnce) {
  given<Lockers>({stored("p1", 1)}).when(StoreParcel{"north", "p1"}).then_refused("PARCEL_ALREADY_STORED", 409);
}

TEST(LockersDecider, WhatWasCollectedIsGoneAndItsCompartmentFree) {
  given<Lockers>({stored("p1", 1)})
      .with({.compartments = 1, .keep_ms = 1000})
      .when(CollectParcel{"north", "p1"})
      .then({ParcelCollected{"north", "p1"}})
      .when(CollectParcel{"north", "p1"})
      .then_refused("PARCEL_NOT_FOUND", 404)
      .when(StoreParcel{"north", "p2"})
      .then({stored("p2", 1)});
}

TEST(LockersDecider, AParcelGoesBackWhenNobodyCame) {
  given<Lockers>({stored("p1", 1, kNow + 1000)})
      .when(ReturnParcel{"north", "p1"})
      .then_nothing_until(1000)
      .after(1000)
      .when(ReturnParcel{"north", "p1"})
      .then({ParcelReturned{"north", "p1"}})
      .when(ReturnParcel{"north", "p1"})
      .then_nothing();
}

}  // namespace
}  // namespace tidemark::commands::lockers
