#include "core/http/http.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

TEST(Problem, WritesRfc9457Json) {
  Problem problem;
  problem.status = 409;
  problem.type = "/problems/refused";
  problem.detail = "a \"quoted\" \\ line\nend";
  problem.members.emplace_back("reason", "\"BUILD_NOT_FOUND\"");
  const Response response = problem_response(problem);
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(std::get<std::string>(response.body),
            R"({"type":"/problems/refused","title":"Conflict","status":409,"detail":"a \"quoted\" \\ line\u000aend","reason":"BUILD_NOT_FOUND"})");
  EXPECT_EQ(response.headers.at(0).second, "application/problem+json");
}

TEST(Problem, FaultsCarryAllow) {
  const Response response = problem_fault(Fault::method_not_allowed, "no", "GET, HEAD");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.at(1), (std::pair<std::string, std::string>("Allow", "GET, HEAD")));
}

TEST(Secret, ComparesWholeStrings) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abd", "abc"));
  EXPECT_FALSE(same_secret("xbc", "abc"));
  EXPECT_FALSE(same_secret("ab", "abc"));
  EXPECT_FALSE(same_secret("abcd", "abc"));
  EXPECT_FALSE(same_secret("", "abc"));
  EXPECT_FALSE(same_secret("", ""));
}

}  // namespace
}  // namespace tidemark::http
