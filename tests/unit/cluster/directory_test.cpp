// Who the nodes are and who has a lane, as asked of a directory.

#include "core/cluster/directory.hpp"

#include <gtest/gtest.h>

#include "core/cluster/assignment.hpp"

namespace tidemark::cluster {
namespace {

class GivenDirectory final : public Directory {
 public:
  explicit GivenDirectory(std::vector<Member> members) : sight_(std::make_shared<const Sight>(Sight{std::move(members), Time{}})) {}
  std::shared_ptr<const Sight> sight() const override { return sight_; }

 private:
  std::shared_ptr<const Sight> sight_;
};

TEST(Directory, NamesTheNodeThatIsProposedALane) {
  const GivenDirectory directory({{"a", "http://a:1", true, {LaneId{0}, LaneId{1}}}, {"b", "http://b:1", false, {LaneId{2}}}});
  EXPECT_EQ(directory.owner_of(LaneId{1})->node_id, "a");
  EXPECT_EQ(directory.owner_of(LaneId{2})->url, "http://b:1");
  EXPECT_FALSE(directory.owner_of(LaneId{3}));
  ASSERT_EQ(directory.peers().size(), 1u);
  EXPECT_EQ(directory.peers().front().node_id, "b");
}

TEST(Directory, OfANodeThatIsAloneHasAllLanesOnIt) {
  const auto directory = make_lone_directory("a", "http://a:1", 12);
  EXPECT_TRUE(directory->peers().empty());
  for (std::uint32_t lane = 0; lane < 12; ++lane) EXPECT_TRUE(directory->owner_of(LaneId{lane})->is_self);
  EXPECT_FALSE(directory->owner_of(LaneId{12}));
  EXPECT_TRUE(directory->sight()->seen);
}

TEST(MemberName, CarriesNodeIdAndUrl) {
  for (const auto& [id, url] : {std::pair("node-1.a_b", "https://[::1]:8080"), std::pair("n", ""), std::pair("tidemark-", "http://user.example:1")}) {
    const Member read = parse_member_name(member_name(id, url));
    EXPECT_EQ(read.node_id, id);
    EXPECT_EQ(read.url, url);
    EXPECT_FALSE(read.is_self);
  }
}

TEST(MemberName, OfAClientThatIsNoNodeIsItsIdAlone) {
  for (const char* name : {"kcat", "", "tidemark-node", "someone@http://x"}) {
    EXPECT_EQ(parse_member_name(name).node_id, name);
    EXPECT_EQ(parse_member_name(name).url, "");
  }
}

using namespace std::string_literals;

TEST(Assignment, HasThePartitionsOfTheTopicInOrder) {
  const std::string bytes = "\0\1"s + "\0\0\0\2"s + "\0\1x"s + "\0\0\0\1"s + "\0\0\0\7"s + "\0\5lanes"s + "\0\0\0\2"s + "\0\0\0\3"s + "\0\0\0\1"s + "\xff\xff\xff\xff"s;
  EXPECT_EQ(parse_assignment(bytes, "lanes"), (std::vector<LaneId>{LaneId{1}, LaneId{3}}));
  EXPECT_EQ(parse_assignment(bytes, "other"), std::vector<LaneId>());
  EXPECT_EQ(parse_assignment("", "lanes"), std::vector<LaneId>()) << "a member that is assigned nothing yet";
}

TEST(Assignment, OfBytesThatAreNoneIsNone) {
  const std::string whole = "\0\0"s + "\0\0\0\1"s + "\0\5lanes"s + "\0\0\0\1"s + "\0\0\0\3"s;
  ASSERT_TRUE(parse_assignment(whole, "lanes"));
  for (std::size_t size = 1; size < whole.size(); ++size) EXPECT_FALSE(parse_assignment(whole.substr(0, size), "lanes")) << size;
  EXPECT_FALSE(parse_assignment("\0\0"s + "\x7f\xff\xff\xff"s, "lanes"));
  EXPECT_FALSE(parse_assignment("\xff\xff"s + "\0\0\0\0"s, "lanes"));
  EXPECT_FALSE(parse_assignment("\0\0"s + "\0\0\0\1"s + "\xff\xff"s, "lanes"));
}

}  // namespace
}  // namespace tidemark::cluster
