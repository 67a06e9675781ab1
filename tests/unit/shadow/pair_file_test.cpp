// Files of pairs: what a killed writer leaves, and bodies that lie beside a recording.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "replay/shadow/pair_reader.hpp"
#include "replay/shadow/pair_writer.hpp"
#include "replay/shadow/recorded_body.hpp"

namespace tidemark::shadow {
namespace {

class PairFiles : public ::testing::Test {
 protected:
  PairFiles() { std::filesystem::create_directories(folder_); }
  ~PairFiles() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& bytes) const { std::ofstream(path(name), std::ios::binary) << bytes; }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }

 private:
  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("tidemark-pairs-" + std::to_string(::getpid()));
};

Pair pair_of(const std::string& target) {
  Pair pair;
  pair.request.method = "GET";
  pair.request.target = target;
  pair.primary.status = 200;
  return pair;
}

TEST_F(PairFiles, ALineThatWasCutOffIsWrittenAgain) {
  std::string first, second;
  write_pair(pair_of("/1"), first);
  write_pair(pair_of("/2"), second);
  for (const std::string& torn : {std::string(), second.substr(0, 1), second.substr(0, second.size() - 1), std::string(200'000, 'x')}) {
    write("out", first + torn);
    PairWriter writer;
    ASSERT_TRUE(writer.open(path("out"), true).ok());
    EXPECT_EQ(writer.kept_bytes(), first.size());
    ASSERT_TRUE(writer.append(pair_of("/2")).ok());
    EXPECT_EQ(read("out"), first + second) << "whole before it is closed";
    ASSERT_TRUE(writer.close().ok());
  }
}

TEST_F(PairFiles, AFileThatIsThereIsNotOverwritten) {
  write("out", "something\n");
  PairWriter writer;
  const auto opened = writer.open(path("out"), false);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::invalid_argument);
  EXPECT_EQ(read("out"), "something\n");
}

TEST_F(PairFiles, WhyAPairWasNotReplayedIsKept) {
  Pair pair = pair_of("/1");
  pair.not_replayed = "only the hash is known";
  std::string line;
  write_pair(pair, line);
  const auto again = parse_pair(line);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->not_replayed, pair.not_replayed);
  EXPECT_FALSE(again->shadow.has_value());
  EXPECT_FALSE(parse_pair(R"({"request":{"method":"GET","target":"/"},"primary":{"status":200},"not_replayed":1})").ok());
}

TEST_F(PairFiles, ABodyKnownByItsHashIsTheFileOfThatName) {
  const std::string bytes = "PK\x03\x04 source";
  Body body{.bytes = {}, .hashed = true, .sha256 = to_hex(sha256(bytes)), .size = bytes.size()};
  EXPECT_EQ(bytes_of(body, "").error().code, Code::not_found);
  EXPECT_EQ(bytes_of(body, path("")).error().code, Code::not_found);
  write(body.sha256, bytes);
  ASSERT_TRUE(bytes_of(body, path("")).ok());
  EXPECT_EQ(*bytes_of(body, path("")), bytes);
  for (const std::string& other : {std::string(bytes.size(), 'x'), bytes + "x", bytes.substr(1)}) {
    write(body.sha256, other);
    EXPECT_EQ(bytes_of(body, path("")).error().code, Code::corrupt);
  }
}

}  // namespace
}  // namespace tidemark::shadow
