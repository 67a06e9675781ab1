#include <gtest/gtest.h>

#include "schemas/lockers/lockers.hpp"
#include "tests/support/golden/golden.hpp"

namespace tidemark::schemas::lockers {
namespace {

template <class T>
void check(const T& sample) { EXPECT_EQ(golden::check("lockers", sample), ""); }

TEST(LockersGolden, WhatIsWrittenStaysReadable) {
  check(StoreParcel{"north", "p1"});
  check(CollectParcel{"north", "p1"});
  check(ReturnParcel{"north", "p1"});
  check(ParcelStored{"north", "p1", 1, 1'700'000'000'000});
  check(ParcelCollected{"north", "p1"});
  check(ParcelReturned{"north", "p1"});
  EXPECT_EQ((golden::check_all<Command, Event>("lockers")), "");
}

}  // namespace
}  // namespace tidemark::schemas::lockers
