// Personal data through the real journal, RocksDB and key files: no byte of them lies on disk in plain, and after an erasure
// nothing that is left opens.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/base/disk.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "ops/cli/personal_data.hpp"
#include "tests/support/roster/roster_node.hpp"

namespace tidemark::testing {
namespace {

namespace fs = std::filesystem;
using runtime::Outcome;

const std::string kName = "Grace-Brewster-Murray", kStreet = "Riverside-Avenue-4711";

roster::Register grace() { return {"club", "p1", {kName}, event::Personal<roster::Address>{{kStreet, "Arlington"}}, {{"grace@example.org"}}}; }

/// The installation on disk, and one process over it at a time.
class PersonalOnDisk : public ::testing::Test {
 protected:
  PersonalOnDisk() {
    std::string name = (fs::temp_directory_path() / "tm-erasure-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    data_ = root_ + "/data";
    keys_ = root_ + "/data.keys";
  }
  ~PersonalOnDisk() override {
    end();
    fs::remove_all(root_);
  }

  void start() {
    ring_ = std::move(*keys::open_key_ring(keys_, true));
    log::EmbeddedLogOptions options;
    options.directory = data_ + "/log";
    options.lanes = 2;
    options.make_epoch = [this] { return make_uuid_v7(scheduler_.wall(), scheduler_.random(), scheduler_.random()); };
    auto log = log::open_embedded_log(*disk_, scheduler_, scheduler_, options);
    ASSERT_TRUE(log.ok()) << describe(log.error());
    log_ = std::move(*log);
    stores_ = store::make_rocksdb_store_factory(data_ + "/stores");
    std::vector<runtime::Domain> domains;
    domains.push_back(roster::make_domain());
    auto personal = cli::open_personal_data(keys_, *ring_, domains, scheduler_, scheduler_, stores_);
    ASSERT_TRUE(personal.ok()) << describe(personal.error());
    personal_ = std::move(*personal);
    node_ = std::make_unique<RosterNode>(scheduler_, *log_, *stores_, personal_.cipher.get());
    auto started = node_->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  /// Flushes the stores, so that all rows are in files.
  void end() {
    if (node_) {
      EXPECT_TRUE(node_->stop().ok());
    }
    node_.reset();
    scheduler_.drop_everything();
    log_.reset();
    stores_.reset();
    personal_ = {};
  }

  /// Files below the root that hold `text`.
  std::vector<std::string> files_with(const std::string& text) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(file), {}};
      if (content.find(text) != std::string::npos) found.push_back(entry.path().string());
    }
    return found;
  }
  void expect_nothing_plain() const {
    for (const std::string& text : {kName, kStreet, std::string("Arlington"), std::string("grace@example.org")}) {
      for (const auto& path : files_with(text)) ADD_FAILURE() << text << " lies in plain in " << path;
    }
    EXPECT_FALSE(files_with("tidemark.roster.Registered.v2").empty()) << "the search sees what is there";
  }

  std::string root_, data_, keys_;
  VirtualScheduler scheduler_{23};
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  std::unique_ptr<keys::KeyRing> ring_;
  std::unique_ptr<log::EventLog> log_;
  std::unique_ptr<store::StoreFactory> stores_;
  cli::PersonalData personal_;
  std::unique_ptr<RosterNode> node_;
};

TEST_F(PersonalOnDisk, NothingPersonalLiesInPlainInAnyFile) {
  start();
  ASSERT_EQ(node_->execute(grace(), "k").kind, Outcome::Kind::accepted);
  EXPECT_NE(node_->known("p1").find(kName), std::string::npos) << "whoever asks the model gets the value";
  end();
  expect_nothing_plain();  // the timer that greets is still armed, so its command lies in the state
  start();
  scheduler_.run_for(std::chrono::minutes(2));
  EXPECT_NE(node_->known("p1").find(kName), std::string::npos);
  end();
  expect_nothing_plain();
}

TEST_F(PersonalOnDisk, AfterAnErasureTheHistoryFoldsWithoutThePerson) {
  start();
  node_->execute(grace(), "k");
  node_->execute({"club", "p2", {"Edsger"}, {}, {}}, "k2");
  const std::string other = node_->known("p2");
  end();
  ASSERT_TRUE(cli::erase_subject(keys_, "p1")->has_value());
  EXPECT_FALSE(fs::exists(keys_ + "/rows.key")) << "what rows of before are left on disk opens no more";
  start();
  EXPECT_NE(node_->known("p1").find("\"name\":{\"plain\":\"\"}"), std::string::npos) << node_->known("p1");
  EXPECT_EQ(node_->known("p2"), other);
  EXPECT_EQ(node_->execute(grace(), "again").reason, "ALREADY_REGISTERED") << "that it happened stays";
  end();
  expect_nothing_plain();
  EXPECT_TRUE(cli::erase_subject(keys_, "p1")->has_value()) << "what came later has a key of its own";
  EXPECT_FALSE(cli::erase_subject(keys_, "p1")->has_value()) << "there is nothing left to destroy";
}

TEST_F(PersonalOnDisk, AnErasureWhileTheNodeRunsIsSeenAtTheNextUseOfTheKey) {
  start();
  node_->execute(grace(), "k");
  ASSERT_TRUE(cli::erase_subject(keys_, "p1")->has_value());
  const Outcome again = node_->execute(grace(), "k");
  EXPECT_EQ(again.kind, Outcome::Kind::key_reused) << "what the first body was can no longer be told";
  end();
  expect_nothing_plain();
}

}  // namespace
}  // namespace tidemark::testing
