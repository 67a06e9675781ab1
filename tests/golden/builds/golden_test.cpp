// What was once written in the builds domain decodes for ever.

#include <gtest/gtest.h>

#include "schemas/builds/builds.hpp"
#include "tests/support/golden/golden.hpp"

namespace tidemark::schemas::builds {
namespace {

TEST(BuildsGolden, EveryVersionOfEveryCommandAndEventHasASampleThatDecodes) {
  EXPECT_EQ((golden::check_all<Command, Event>("builds")), "");
}

}  // namespace
}  // namespace tidemark::schemas::builds
