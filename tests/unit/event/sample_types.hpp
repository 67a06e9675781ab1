#pragma once
// Contract types that exist for the tests of the codec: one with every kind of member, and a small one with two versions.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/event/json.hpp"

namespace tidemark::event::sample {

enum class Platform { ios, android, default_ };
BOOST_DESCRIBE_ENUM(Platform, ios, android, default_)

struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  bool operator==(const Point&) const = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

struct Tree {
  std::string name;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children))

struct Everything {
  bool flag = false;
  std::int8_t tiny = 0;
  std::int64_t big = 0;
  std::uint64_t huge = 0;
  double ratio = 0;
  std::string text;
  Platform platform = Platform::ios;
  std::optional<std::string> note;
  std::vector<Point> points;
  std::map<std::string, std::int64_t> counts;
  Text<1, 8> code;
  Bounded<int, 0, 100> percent;
  Json extra;
  Personal<std::string> email;
  Claimed body;
  Tree tree;
  std::optional<Json> opaque;
  Time at{};
  bool operator==(const Everything&) const = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (), (flag, tiny, big, huge, ratio, text, platform, note, points, counts, code, percent,
                                      extra, email, body, tree, opaque, at))

struct Login {
  std::string user;
  Secret<Text<1, 16>> password;
};
BOOST_DESCRIBE_STRUCT(Login, (), (user, password))

}  // namespace tidemark::event::sample
