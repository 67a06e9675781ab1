#include "core/cluster/blobs/node_key.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::cluster {
namespace {

namespace fs = std::filesystem;

/// What a handler sees of a head.
class Head final : public http::Request {
 public:
  std::string name = "PUT", sent = "/cluster/blobs/abc";
  http::Headers headers;

  http::Method method() const override { return http::Method::put; }
  std::string_view method_name() const override { return name; }
  std::string_view target() const override { return sent; }
  std::string_view surface_target() const override { return sent; }
  std::string_view path() const override { return sent; }
  http::Headers fields() const override { return headers; }
  std::string_view param(std::string_view) const override { return {}; }
  std::optional<std::string> query(std::string_view) const override { return std::nullopt; }
  std::optional<std::string_view> header(std::string_view wanted) const override {
    for (const auto& [given, value] : headers) {
      if (given == wanted) return value;
    }
    return std::nullopt;
  }
  std::size_t header_count(std::string_view) const override { return headers.size(); }
  std::string_view peer_address() const override { return "127.0.0.1"; }
  std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
  bool has_body() const override { return false; }
  Task<Result<std::string>> read_body(std::size_t) override { co_return std::string(); }
  Task<Result<void>> read_multipart(http::MultipartSink&, http::MultipartLimits) override { co_return Result<void>(); }
  Task<Result<void>> read_stream(std::function<Task<Result<void>>(std::string_view)>, std::uint64_t) override { co_return Result<void>(); }
};

class NodeKeys : public ::testing::Test {
 protected:
  NodeKeys() {
    std::string name = (fs::temp_directory_path() / "tm-node-key-XXXXXX").string();
    root = ::mkdtemp(name.data());
    ring = open("keys");
  }
  ~NodeKeys() override { fs::remove_all(root); }

  std::unique_ptr<keys::KeyRing> open(const std::string& directory) {
    auto opened = keys::open_key_ring(root + "/" + directory, true);
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }
  Head signed_by(const NodeKey& key, std::string_view to = "b", std::string_view content = "c0ffee") {
    Head head;
    auto made = key.sign({.method = head.name, .target = head.sent, .content = content}, to);
    EXPECT_TRUE(made.ok());
    head.headers = made->headers;
    return head;
  }
  static Code code_of(NodeKey& key, const Head& head) {
    const auto checked = key.check(head);
    return checked.ok() ? Code::uninitialised : checked.error().code;
  }

  std::string root;
  testing::VirtualScheduler home{1};
  std::unique_ptr<keys::KeyRing> ring;
};

TEST_F(NodeKeys, ARequestOfANodeOfTheSameRingIsKnown) {
  NodeKey a(*ring, home, "a"), b(*ring, home, "b");
  const auto caller = b.check(signed_by(a));
  ASSERT_TRUE(caller.ok()) << describe(caller.error());
  EXPECT_EQ(caller->node_id, "a");
  EXPECT_EQ(caller->content, "c0ffee");
}

TEST_F(NodeKeys, AnythingElseIsAStranger) {
  NodeKey a(*ring, home, "a"), b(*ring, home, "b");
  const auto other_ring = open("other-keys");
  NodeKey intruder(*other_ring, home, "a");
  EXPECT_EQ(code_of(b, signed_by(intruder)), Code::invalid_argument) << "another ring";
  EXPECT_EQ(code_of(b, signed_by(a, "c")), Code::invalid_argument) << "meant for another node";
  EXPECT_EQ(code_of(b, Head{}), Code::invalid_argument) << "nothing";

  Head method = signed_by(a);
  method.name = "GET";
  EXPECT_EQ(code_of(b, method), Code::invalid_argument) << "another method";
  Head target = signed_by(a);
  target.sent += "d";
  EXPECT_EQ(code_of(b, target), Code::invalid_argument) << "another file";
  Head twice = signed_by(a);
  twice.headers.push_back(twice.headers.front());
  EXPECT_EQ(code_of(b, twice), Code::invalid_argument) << "two keys";

  const std::string good = signed_by(a).headers.front().second;
  for (const char* part : {"key=", "from=", "at=", "nonce=", "content=", "mac="}) {
    Head changed;
    std::string field = good;
    const auto at = field.find(part) + std::string_view(part).size();
    field[at] = field[at] == '1' ? '2' : '1';
    changed.headers = {{"Authorization", field}};
    EXPECT_EQ(code_of(b, changed), Code::invalid_argument) << part;
    changed.headers = {{"Authorization", good.substr(0, good.find(part))}};
    EXPECT_EQ(code_of(b, changed), Code::invalid_argument) << "cut before " << part;
  }
}

TEST_F(NodeKeys, ARequestIsGoodOnce) {
  NodeKey a(*ring, home, "a"), b(*ring, home, "b");
  const Head head = signed_by(a);
  ASSERT_TRUE(b.check(head).ok());
  EXPECT_EQ(code_of(b, head), Code::version_conflict);
  home.run_for(NodeKey::kWindow - std::chrono::seconds(1));
  EXPECT_EQ(code_of(b, head), Code::version_conflict);
  EXPECT_TRUE(b.check(signed_by(a)).ok());
}

TEST_F(NodeKeys, ARequestIsGoodForAWindow) {
  NodeKey a(*ring, home, "a"), b(*ring, home, "b");
  const Head in_time = signed_by(a), late = signed_by(a);
  home.run_for(NodeKey::kWindow);
  EXPECT_TRUE(b.check(in_time).ok());
  home.run_for(std::chrono::milliseconds(1));
  EXPECT_EQ(code_of(b, late), Code::version_conflict);
  home.run_for(3 * NodeKey::kWindow);
  EXPECT_EQ(code_of(b, in_time), Code::version_conflict) << "when it has been forgotten its time is over";
}

TEST_F(NodeKeys, ThatAFileIsStoredIsProvenByTheNodeThatWasAsked) {
  NodeKey a(*ring, home, "a"), b(*ring, home, "b"), c(*ring, home, "c");
  const Head head = signed_by(a);
  const auto asked = a.sign({.method = "PUT", .target = head.sent, .content = {}}, "b");
  ASSERT_TRUE(asked.ok());
  Head sent;
  sent.headers = asked->headers;
  const auto caller = b.check(sent);
  ASSERT_TRUE(caller.ok());
  const auto proof = b.stored(*caller, sent.sent);
  ASSERT_TRUE(proof.ok());
  EXPECT_TRUE(a.proves_stored({{"Date", "x"}, *proof}, *asked, sent.sent, "b"));
  EXPECT_FALSE(a.proves_stored({}, *asked, sent.sent, "b"));
  EXPECT_FALSE(a.proves_stored({*proof}, *asked, "/cluster/blobs/other", "b"));
  EXPECT_FALSE(a.proves_stored({*proof}, *asked, sent.sent, "c"));
  EXPECT_FALSE(a.proves_stored({*c.stored(*caller, sent.sent)}, *asked, sent.sent, "b"));
}

}  // namespace
}  // namespace tidemark::cluster
