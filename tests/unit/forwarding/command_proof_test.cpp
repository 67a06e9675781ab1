#include "core/cluster/proof/command_proof.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace tidemark::cluster {
namespace {

class CommandProofTest : public ::testing::Test {
 protected:
  CommandProofTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tm-proof-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~CommandProofTest() override { std::filesystem::remove_all(directory); }
  std::unique_ptr<keys::KeyRing> ring(const std::string& of) {
    auto opened = keys::open_key_ring(directory + '/' + of, true);
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }
  std::string directory;
};

TEST_F(CommandProofTest, HoldsForTheBytesItWasMadeForAtEveryNodeWithTheRing) {
  const auto one = ring("one"), same = ring("one"), other = ring("other");
  const auto proof = CommandProof(*one).prove("what was written");
  ASSERT_TRUE(proof.ok());
  EXPECT_TRUE(CommandProof(*same).holds("what was written", *proof));
  EXPECT_FALSE(CommandProof(*same).holds("what was writteN", *proof));
  EXPECT_FALSE(CommandProof(*other).holds("what was written", *proof));
}

TEST_F(CommandProofTest, NothingElseHolds) {
  const auto one = ring("one");
  const CommandProof proofs(*one);
  const std::string good = *proofs.prove("x");
  for (const std::string& bad : {std::string(), std::string("."), std::string("nothing"), good + "A", good.substr(0, good.size() - 1), "mac-000000000000" + good.substr(good.find('.')),
                                 good.substr(0, good.find('.') + 1), std::string(5000, 'a'), std::string("\0\xff.\xff", 4)}) {
    EXPECT_FALSE(proofs.holds("x", bad)) << bad;
  }
}

TEST_F(CommandProofTest, NodesThatHaveANewKeyAndThoseThatHaveNotYetUnderstandEachOther) {
  const auto before = ring("one");
  ASSERT_TRUE(keys::rotate_key(directory + "/one", keys::kMacPurpose).ok());
  const auto after = ring("one");
  ASSERT_NE(before->current_mac_key(), after->current_mac_key());
  EXPECT_TRUE(CommandProof(*before).holds("x", *CommandProof(*after).prove("x")));
  EXPECT_TRUE(CommandProof(*after).holds("x", *CommandProof(*before).prove("x")));
  const std::string old_proof = *CommandProof(*before).prove("x");
  ASSERT_TRUE(keys::destroy_key(directory + "/one", before->current_mac_key()).ok());
  const auto without = ring("one");
  EXPECT_FALSE(CommandProof(*without).holds("x", old_proof));
  EXPECT_TRUE(CommandProof(*after).holds("x", *CommandProof(*without).prove("x")));
}

}  // namespace
}  // namespace tidemark::cluster
