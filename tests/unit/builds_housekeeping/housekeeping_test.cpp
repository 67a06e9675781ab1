// Files that end, on the node that owns the builds and on one that only follows: each deletes its own copies.

#include "commands/builds/endpoint/housekeeping.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "commands/builds/endpoint/file_uses.hpp"
#include "commands/builds/endpoint/registration.hpp"
#include "core/keys/key_ring.hpp"
#include "core/runtime/lane_group.hpp"
#include "schemas/builds/commands.hpp"
#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace tidemark::testing;
using namespace schemas::builds;
namespace fs = std::filesystem;

class FixedGroup final : public runtime::LaneGroup {
 public:
  explicit FixedGroup(std::vector<LaneId> lanes) : lanes_(std::move(lanes)) {}
  void join(std::function<void(const std::vector<LaneId>&)> proposed) override { proposed(lanes_); }
  void agree_anew() override {}
  void leave(Fn<void()> done) override { done(); }

 private:
  const std::vector<LaneId> lanes_;
};

struct BuildsHousekeeping : ::testing::Test {
  struct Member {
    Member(BuildsHousekeeping& test, const std::string& name, bool owns)
        : log(test.history, test.scheduler), group(owns ? test.all_lanes() : std::vector<LaneId>{}),
          blobs(std::move(*blob::make_blob_store(test.root + "/" + name, test.scheduler, test.scheduler, test.ring.get()))),
          directory(test.root + "/" + name) {
      log.set_lease(std::chrono::seconds(1));
      node = std::make_unique<DomainNode>(test.scheduler, log, stores, make_builds_domain({}), runtime::NodeOptions{}, nullptr, &group);
      EXPECT_TRUE(node->start().ok());
      housekeeping = keep_house(**node, *blobs, Settings{}, HousekeepingOptions{.interval = std::chrono::seconds(60), .orphan_age = std::chrono::hours(1),
                                                                               .listing_interval = std::chrono::minutes(10)});
    }
    bool has_certs(const std::string& name) const { return fs::exists(directory + "/private/" + name); }
    MemoryLog log;
    MemoryStores stores;
    FixedGroup group;
    std::unique_ptr<blob::BlobStore> blobs;
    const std::string directory;
    std::unique_ptr<DomainNode> node;
    std::unique_ptr<Housekeeping> housekeeping;
  };

  BuildsHousekeeping() {
    std::string pattern = fs::temp_directory_path() / "tidemark-house-XXXXXX";
    root = ::mkdtemp(pattern.data());
    ring = std::move(*keys::open_key_ring(root + "/keys", true));
    owner = std::make_unique<Member>(*this, "owner", true);
    follower = std::make_unique<Member>(*this, "follower", false);
    scheduler.run_for(std::chrono::seconds(5));  // the lanes are taken, and the leases of predecessors have passed
  }
  ~BuildsHousekeeping() override {
    for (auto* member : {owner.get(), follower.get()}) member->housekeeping.reset();
    scheduler.run_for(std::chrono::minutes(2));  // what is under way ends
    owner.reset();
    follower.reset();
    fs::remove_all(root);
  }
  std::vector<LaneId> all_lanes() const {
    std::vector<LaneId> lanes;
    for (std::uint32_t lane = 0; lane < history->lanes; ++lane) lanes.push_back(LaneId{lane});
    return lanes;
  }
  BlobRef keep_certs(Member& member, const std::string& name) {
    auto upload = member.blobs->stage_private(100);
    EXPECT_TRUE(member.node->run((*upload)->write("certs")).ok());
    auto committed = member.node->run(member.blobs->commit_private(std::move(*upload), name));
    EXPECT_TRUE(committed.ok());
    BlobRef ref;
    ref.sha256 = committed->sha256;
    ref.size = committed->size;
    ref.kind = BlobKind::certs;
    return ref;
  }
  void ended_build(const std::string& id, const BlobRef& certs) {
    SubmitBuild submit;
    submit.build_id = id;
    submit.source.sha256 = std::string(64, 'a');
    submit.source.size = 1;
    submit.source.kind = BlobKind::source;
    submit.certs = certs;
    submit.access_token_sha256 = std::string(64, 'b');
    submit.token_key_id = "key";
    const auto submitted = owner->node->execute(submit);
    ASSERT_EQ(submitted.kind, runtime::Outcome::Kind::accepted) << submitted.reason << submitted.detail << describe(submitted.error);
    const auto cancelled = owner->node->execute(CancelBuild{.build_id = id, .pool_id = std::nullopt});
    ASSERT_EQ(cancelled.kind, runtime::Outcome::Kind::accepted) << cancelled.reason;
  }

  VirtualScheduler scheduler{11};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::string root;
  std::unique_ptr<keys::KeyRing> ring;
  std::unique_ptr<Member> owner, follower;
};

TEST_F(BuildsHousekeeping, OwnerAndFollowerSayWhichFilesAreNeeded) {
  const BlobRef certs = keep_certs(*owner, "b-1");
  ended_build("b-1", certs);
  scheduler.run_for(std::chrono::seconds(5));
  const blob::StoredFile of_build{true, "b-1", 0}, of_none{true, "b-2", 0}, source{false, std::string(64, 'a'), 1}, stray{false, std::string(64, 'c'), 1};
  for (Member* member : {owner.get(), follower.get()}) {
    EXPECT_EQ(file_use(**member->node, of_build), blob::Use::needed);
    EXPECT_EQ(file_use(**member->node, of_none), blob::Use::unknown);
    EXPECT_EQ(file_use(**member->node, source), blob::Use::needed);
    EXPECT_EQ(file_use(**member->node, stray), blob::Use::unknown);
  }
  const auto purged = owner->node->execute(PurgeBlob{.build_id = "b-1", .kind = BlobKind::certs, .at_once = true, .pool_id = std::nullopt});
  ASSERT_EQ(purged.kind, runtime::Outcome::Kind::accepted) << purged.reason;
  scheduler.run_for(std::chrono::seconds(5));
  for (Member* member : {owner.get(), follower.get()}) EXPECT_EQ(file_use(**member->node, of_build), blob::Use::gone);
}

TEST_F(BuildsHousekeeping, APurgeReachesEveryNodeThatHasTheFile) {
  const BlobRef certs = keep_certs(*owner, "b-1");
  keep_certs(*follower, "b-1");
  keep_certs(*follower, "b-2");  // on its way
  ended_build("b-1", certs);
  scheduler.run_for(std::chrono::minutes(5));
  EXPECT_TRUE(owner->has_certs("b-1"));
  EXPECT_TRUE(follower->has_certs("b-1"));
  const auto purged = owner->node->execute(PurgeBlob{.build_id = "b-1", .kind = BlobKind::certs, .at_once = true, .pool_id = std::nullopt});
  ASSERT_EQ(purged.kind, runtime::Outcome::Kind::accepted) << purged.reason;
  scheduler.run_for(std::chrono::seconds(10));
  EXPECT_FALSE(owner->has_certs("b-1"));
  EXPECT_FALSE(follower->has_certs("b-1")) << "though it does not own the lane";
  EXPECT_TRUE(follower->has_certs("b-2"));
}

TEST_F(BuildsHousekeeping, ACopyThatComesAfterThePurgeIsDeletedToo) {
  const BlobRef certs = keep_certs(*owner, "b-1");
  ended_build("b-1", certs);
  const auto purged = owner->node->execute(PurgeBlob{.build_id = "b-1", .kind = BlobKind::certs, .at_once = true, .pool_id = std::nullopt});
  ASSERT_EQ(purged.kind, runtime::Outcome::Kind::accepted) << purged.reason;
  scheduler.run_for(std::chrono::seconds(10));
  keep_certs(*follower, "b-1");
  scheduler.run_for(std::chrono::minutes(2));
  EXPECT_FALSE(follower->has_certs("b-1"));
}

TEST_F(BuildsHousekeeping, WhatNoBuildRefersToGoesFromAFollowerWhenItIsOld) {
  auto upload = follower->blobs->stage(100);
  ASSERT_TRUE(follower->node->run((*upload)->write("orphan")).ok());
  const auto orphan = follower->node->run((*upload)->commit());
  upload->reset();
  ASSERT_TRUE(orphan.ok());
  scheduler.run_for(std::chrono::minutes(50));
  EXPECT_TRUE(*follower->node->run(follower->blobs->exists(*orphan)));
  scheduler.run_for(std::chrono::minutes(30));
  EXPECT_FALSE(*follower->node->run(follower->blobs->exists(*orphan)));
}

}  // namespace
}  // namespace tidemark::commands::builds::endpoint
