#include "core/http/router.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

Task<Response> nothing(Request&) { co_return Response(); }

Route route(Method method, std::string pattern, bool slash = false) {
  Route out;
  out.method = method;
  out.pattern = std::move(pattern);
  out.handler = nothing;
  out.options.allow_trailing_slash = slash;
  return out;
}

struct Found {
  std::string pattern;
  std::vector<std::string> captured;
  bool path_known;
  std::string allow;
};

struct HttpRouter : ::testing::Test {
  static std::vector<Route> routes() {
    std::vector<Route> out;
    out.push_back(route(Method::get, "/"));
    out.push_back(route(Method::get, "/api/builds", true));
    out.push_back(route(Method::post, "/api/builds", true));
    out.push_back(route(Method::post, "/api/builds/submit"));
    out.push_back(route(Method::get, "/api/builds/active"));
    out.push_back(route(Method::get, "/api/builds/:id"));
    out.push_back(route(Method::get, "/api/builds/:id/logs"));
    out.push_back(route(Method::post, "/api/builds/:build/logs"));
    out.push_back(route(Method::get, "/api/builds/:id/download/:type"));
    out.push_back(route(Method::head, "/api/probe"));
    return out;
  }
  Router router{routes()};

  Found find(Method method, std::string_view path, bool literals_win = false) {
    std::string buffer;
    DecodedPath decoded;
    EXPECT_EQ(decode_path(path, buffer, decoded), PathDecoding::ok);
    RouteMatch match;
    router.find(method, decoded, 0, match, literals_win);
    return {match.route == nullptr ? "" : match.route->route.pattern, {match.captured.begin(), match.captured.end()}, match.path_known,
            allow_header(match.methods, true)};
  }
};

TEST_F(HttpRouter, FindsLiteralsAndParameters) {
  EXPECT_EQ(find(Method::get, "/").pattern, "/");
  EXPECT_EQ(find(Method::get, "/api/builds").pattern, "/api/builds");
  const Found download = find(Method::get, "/api/builds/b1/download/source");
  EXPECT_EQ(download.pattern, "/api/builds/:id/download/:type");
  EXPECT_EQ(download.captured, (std::vector<std::string>{"b1", "source"}));
}

TEST_F(HttpRouter, PrefersALiteralAndComesBackToTheParameterWhenItLeadsNowhere) {
  EXPECT_EQ(find(Method::get, "/api/builds/active").pattern, "/api/builds/active");
  EXPECT_EQ(find(Method::get, "/api/builds/active/logs").pattern, "/api/builds/:id/logs");
  EXPECT_EQ(find(Method::get, "/api/builds/active/logs").captured, (std::vector<std::string>{"active"}));
}

TEST_F(HttpRouter, TakesTheParameterWhenTheLiteralHasAnotherMethodOnly) {
  EXPECT_EQ(find(Method::get, "/api/builds/submit").pattern, "/api/builds/:id");
  EXPECT_EQ(find(Method::post, "/api/builds/submit").pattern, "/api/builds/submit");
}

TEST_F(HttpRouter, TakesNoParameterForALiteralWhereLiteralsWin) {
  const Found submit = find(Method::get, "/api/builds/submit", true);
  EXPECT_EQ(submit.pattern, "");
  EXPECT_TRUE(submit.path_known);
  EXPECT_EQ(submit.allow, "POST, OPTIONS");
  EXPECT_EQ(find(Method::head, "/api/builds/submit", true).pattern, "");
  EXPECT_EQ(find(Method::post, "/api/builds/submit", true).pattern, "/api/builds/submit");
  EXPECT_EQ(find(Method::head, "/api/builds/active", true).pattern, "/api/builds/active");
  EXPECT_EQ(find(Method::get, "/api/builds/active/logs", true).pattern, "/api/builds/:id/logs") << "no literal has the whole path";
  EXPECT_EQ(find(Method::get, "/api/builds/b1", true).pattern, "/api/builds/:id");
}

TEST_F(HttpRouter, AnswersHeadWithGet) {
  EXPECT_EQ(find(Method::head, "/api/builds").pattern, "/api/builds");
  EXPECT_EQ(find(Method::head, "/api/probe").pattern, "/api/probe");
  EXPECT_EQ(find(Method::get, "/api/probe").pattern, "");
}

TEST_F(HttpRouter, TellsWhichMethodsAKnownPathTakes) {
  const Found found = find(Method::delete_, "/api/builds/b1/logs");
  EXPECT_EQ(found.pattern, "");
  EXPECT_TRUE(found.path_known);
  EXPECT_EQ(found.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(find(Method::other, "/api/builds").allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_FALSE(find(Method::get, "/nowhere").path_known);
  EXPECT_FALSE(find(Method::get, "/api").path_known);
}

TEST_F(HttpRouter, TakesATrailingSlashOnlyWhereAllowed) {
  EXPECT_EQ(find(Method::get, "/api/builds/").pattern, "/api/builds");
  EXPECT_EQ(find(Method::get, "/api/builds/b1/").pattern, "");
  EXPECT_FALSE(find(Method::get, "/api/builds/b1/").path_known);
}

TEST_F(HttpRouter, MatchesNoEmptySegment) {
  EXPECT_EQ(find(Method::get, "/api/builds//logs").pattern, "");
  EXPECT_EQ(find(Method::get, "//").pattern, "");
  EXPECT_EQ(find(Method::get, "/api//builds").pattern, "");
}

}  // namespace
}  // namespace tidemark::http
