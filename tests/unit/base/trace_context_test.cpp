#include "core/base/trace_context.hpp"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

const std::string kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, ReadsWhatItWrites) {
  const auto read = parse_traceparent(kGood);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(read->parent_id, "b7ad6b7169203331");
  EXPECT_TRUE(read->sampled);
  EXPECT_EQ(to_traceparent(*read), kGood);
}

TEST(TraceContext, OnlyTheLastFlagSaysSampled) {
  const auto with_flags = [](std::string_view flags) { return parse_traceparent(kGood.substr(0, 53) + std::string(flags)); };
  EXPECT_FALSE(with_flags("00")->sampled);
  EXPECT_FALSE(with_flags("fe")->sampled);
  EXPECT_TRUE(with_flags("ff")->sampled);
  EXPECT_EQ(to_traceparent(*with_flags("ff")), kGood) << "flags of later levels are not ours to hand on";
}

TEST(TraceContext, ReadsALaterVersionAsFarAsItKnows) {
  const std::string later = "cc" + kGood.substr(2);
  EXPECT_TRUE(parse_traceparent(later));
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-brings"));
  EXPECT_FALSE(parse_traceparent(later + ".what"));
}

TEST(TraceContext, RefusesWhatIsNone) {
  const std::string bad[] = {
      "", "00", kGood.substr(0, 54), kGood + "-00", kGood + "0", "ff" + kGood.substr(2), "0g" + kGood.substr(2), " " + kGood,
      "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
      std::string(55, '0'), std::string(55, '-'), std::string(100'000, '0')};
  for (const auto& text : bad) EXPECT_FALSE(parse_traceparent(text)) << text.substr(0, 80);
}

TEST(TraceContext, AStepKeepsTheTraceAndHasAnIdOfItsOwn) {
  const auto parent = parse_traceparent(kGood);
  const auto step = next_step(parent, 0x1234, 7, 8);
  EXPECT_EQ(to_traceparent(step), "00-0af7651916cd43dd8448eb211c80319c-0000000000001234-01");
}

TEST(TraceContext, AFirstStepBeginsAnUnsampledTrace) {
  EXPECT_EQ(to_traceparent(next_step(std::nullopt, 0x1234, 0xabc, 0xdef)), "00-0000000000000abc0000000000000def-0000000000001234-00");
  EXPECT_TRUE(parse_traceparent(to_traceparent(next_step(std::nullopt, 0, 0, 0)))) << "zeros are no ids";
}

}  // namespace
}  // namespace tidemark
