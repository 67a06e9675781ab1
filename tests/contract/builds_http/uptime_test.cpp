#include "projections/builds/endpoint/uptime.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace tidemark::projections::builds::endpoint {
namespace {

using std::chrono::seconds;

TEST(Uptime, ShowsTheTwoLargestUnitsRoundedDown) {
  const std::pair<seconds, std::string> cases[] = {
      {seconds(-5), "0s"}, {seconds(0), "0s"}, {seconds(12), "12s"}, {seconds(59), "59s"}, {seconds(60), "1m 0s"}, {seconds(330), "5m 30s"},
      {seconds(3599), "59m 59s"}, {seconds(3600), "1h 0m"}, {seconds(11'700 + 59), "3h 15m"}, {seconds(86'399), "23h 59m"},
      {seconds(86'400), "1d 0h"}, {seconds(2 * 86'400 + 5 * 3600 + 3599), "2d 5h"}, {seconds(400 * 86'400), "400d 0h"}};
  for (const auto& [since, text] : cases) EXPECT_EQ(uptime_text(since), text) << since.count() << " s";
}

}  // namespace
}  // namespace tidemark::projections::builds::endpoint
