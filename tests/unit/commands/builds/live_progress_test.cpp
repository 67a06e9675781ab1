#include "commands/builds/live_progress.hpp"

#include <gtest/gtest.h>

namespace tidemark::commands::builds {
namespace {

TEST(LiveProgress, APercentageIsKnownToATenth) {
  EXPECT_EQ(known_progress(progress_value(1, "42"), 1), 420);
  EXPECT_EQ(known_progress(progress_value(1, "0"), 1), 0);
  EXPECT_EQ(known_progress(progress_value(3, "99.96"), 3), 1000);
  EXPECT_EQ(known_progress(progress_value(1, "1e1"), 1), 100);
}

TEST(LiveProgress, WhatIsNoPercentageIsNotKept) {
  for (const char* text : {"", "-1", "100.1", "nan", "inf", "42%", " 42", "half", "1e9", "0x10"}) EXPECT_FALSE(progress_value(1, text)) << text;
}

TEST(LiveProgress, AnAttemptKnowsNothingOfTheOneBefore) {
  EXPECT_FALSE(known_progress(progress_value(1, "100"), 2));
  EXPECT_FALSE(known_stage(stage_value(1, "exporting"), 2));
  EXPECT_FALSE(known_progress(std::nullopt, 1));
  EXPECT_FALSE(known_progress(-5, 0));
}

TEST(LiveProgress, AStageIsOneOfThoseThatAreNamed) {
  for (const char* stage : {"initializing", "running", "building", "compiling", "linking", "archiving", "exporting"}) {
    EXPECT_EQ(known_stage(stage_value(2, stage), 2), stage);
  }
  EXPECT_FALSE(stage_value(1, "<script>"));
  EXPECT_FALSE(known_stage(2'000 + 7, 1));
}

}  // namespace
}  // namespace tidemark::commands::builds
