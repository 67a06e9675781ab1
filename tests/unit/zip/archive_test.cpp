// Archives as people make them, and as they should not be made.

#include "core/zip/archive.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <functional>
#include <optional>
#include <random>
#include <vector>

namespace tidemark::zip {
namespace {

constexpr std::uint64_t kMax = 1u << 20;

/// One entry, and what is to be wrong about it.
struct Part {
  std::string name;
  std::string content = {};
  unsigned method = 8;
  unsigned flag = 0;
  std::optional<std::uint32_t> size = {};        ///< declared in both headers
  std::optional<std::uint32_t> local_size = {};  ///< declared in its own header only
  std::optional<std::uint32_t> checksum = {};
  std::optional<std::size_t> lies_at = {};       ///< offset that the directory tells
};

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(i < 8 ? value >> (8 * i) : 0));
  return out;
}

std::string deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zipped(const std::vector<Part>& parts, std::optional<unsigned> entries = {}) {
  std::string out, directory;
  for (const Part& part : parts) {
    const std::string packed = part.method == 8 ? deflated(part.content) : part.content;
    const auto sum = part.checksum.value_or(static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(part.content.data()), static_cast<uInt>(part.content.size()))));
    const auto size = part.size.value_or(static_cast<std::uint32_t>(part.content.size()));
    const auto head = [&](std::uint32_t declared) {
      return number(20, 2) + number(part.flag, 2) + number(part.method, 2) + number(0, 4) + number(sum, 4) + number(packed.size(), 4) +
             number(declared, 4) + number(part.name.size(), 2) + number(0, 2);
    };
    directory += "PK\1\2" + number(20, 2) + head(size) + number(0, 2 + 2 + 2 + 4) + number(part.lies_at.value_or(out.size()), 4) + part.name;
    out += "PK\3\4" + head(part.local_size.value_or(size)) + part.name + packed;
  }
  const unsigned count = entries.value_or(static_cast<unsigned>(parts.size()));
  return out + directory + "PK\5\6" + number(0, 4) + number(count, 2) + number(count, 2) + number(directory.size(), 4) + number(out.size(), 4) + number(0, 2);
}

struct Seen {
  std::string problem;  ///< name of the code, or ""
  std::vector<std::pair<std::string, std::string>> taken;
};

Seen seen(const std::string& archive, Limits limits = {kMax}) {
  Seen out;
  const auto read = read_archive(archive, limits, [](std::string_view name) { return !name.ends_with('/'); },
                                 [&](std::string_view name, std::string content) { out.taken.emplace_back(name, std::move(content)); });
  if (!read.ok()) out.problem = name_of(read.error().code);
  return out;
}

using Taken = std::vector<std::pair<std::string, std::string>>;

TEST(ZipArchive, EntriesComeInTheOrderOfTheDirectory) {
  const std::string archive = zipped({{.name = "b", .content = "second letter"}, {.name = "folder/"}, {.name = "folder/a", .content = "first", .method = 0},
                                      {.name = "empty"}});
  EXPECT_EQ(seen(archive).taken, (Taken{{"b", "second letter"}, {"folder/a", "first"}, {"empty", ""}}));
  EXPECT_EQ(seen("something in front of it" + archive).taken.size(), 3u);
}

TEST(ZipArchive, WhatNobodyWantsIsReadAndThrownAway) {
  int taken = 0;
  const auto read = read_archive(zipped({{.name = "a", .content = "1"}, {.name = "b", .content = "2", .checksum = 7}}), {kMax},
                                 [](std::string_view) { return false; }, [&](std::string_view, std::string) { ++taken; });
  EXPECT_EQ(read.error().code, Code::corrupt);
  EXPECT_EQ(taken, 0);
}

TEST(ZipArchive, TheLimitIsInclusive) {
  EXPECT_EQ(seen(zipped({{.name = "a", .content = std::string(1000, 'x')}, {.name = "b", .content = "y"}}), {1001}).problem, "");
  EXPECT_EQ(seen(zipped({{.name = "a", .content = std::string(1000, 'x')}, {.name = "b", .content = "y"}}), {1000}).problem, "exhausted");
  EXPECT_EQ(seen(zipped({{.name = "a"}, {.name = "b"}, {.name = "c"}}), {kMax, 3}).problem, "");
  EXPECT_EQ(seen(zipped({{.name = "a"}, {.name = "b"}, {.name = "c"}}), {kMax, 2}).problem, "exhausted");
}

TEST(ZipArchive, HostileOnesAreRefused) {
  const std::string good = zipped({{.name = "a", .content = "content"}});
  const std::string bomb(kMax + 1, '\0');
  const struct {
    const char* what;
    std::string archive;
    const char* problem;
  } table[] = {
      {"nothing", "", "corrupt"},
      {"nothing in it", zipped({}), "corrupt"},
      {"no archive", "these are not the bytes of an archive, however long one looks at them", "corrupt"},
      {"an end without a directory", good.substr(good.size() - 22), "corrupt"},
      {"a beginning without an end", good.substr(0, good.size() - 22), "corrupt"},
      {"a directory that is cut off", good.substr(0, good.size() - 40) + good.substr(good.size() - 22), "corrupt"},
      {"a bomb", zipped({{.name = "a", .content = bomb}}), "exhausted"},
      {"a bomb in many entries", zipped(std::vector<Part>(20, Part{.name = "a", .content = std::string(kMax / 16, 'x')})), "exhausted"},
      {"a bomb that says that it is small", zipped({{.name = "a", .content = bomb, .size = 10}}), "corrupt"},
      {"a bomb whose own header says that it is small", zipped({{.name = "a", .content = bomb, .local_size = 10}}), "exhausted"},
      {"two headers that contradict each other", zipped({{.name = "a", .content = "x", .local_size = 10}}), "corrupt"},
      {"an entry that says that it is large", zipped({{.name = "a", .content = "x", .size = 0xfffffff0}}), "exhausted"},
      {"entries that say so together", zipped({{.name = "a", .content = "x", .size = kMax / 2 + 1}, {.name = "b", .content = "x", .size = kMax / 2 + 1}}), "exhausted"},
      {"an entry that is smaller than it says", zipped({{.name = "a", .content = "x", .size = 10}}), "corrupt"},
      {"a stored entry of two sizes", zipped({{.name = "a", .content = "xyz", .method = 0, .size = 10}}), "corrupt"},
      {"entries that overlap", zipped({{.name = "a", .content = std::string(3000, 'r'), .method = 0},
                                       {.name = "b", .content = std::string(3000, 'r'), .method = 0, .lies_at = 0},
                                       {.name = "c", .content = std::string(3000, 'r'), .method = 0, .lies_at = 0}}).erase(31, 6000), "corrupt"},
      {"a wrong checksum", zipped({{.name = "a", .content = "x", .checksum = 1}}), "corrupt"},
      {"an entry outside", zipped({{.name = "a", .content = "x", .lies_at = 0x7fffffff}}), "corrupt"},
      {"more entries than there are", zipped({{.name = "a", .content = "x"}}, 3), "corrupt"},
      {"an encrypted entry", zipped({{.name = "a", .content = "x", .flag = 1}}), "invalid_argument"},
      {"a strongly encrypted entry", zipped({{.name = "a", .content = "x", .flag = 0x41}}), "invalid_argument"},
      {"another compression", zipped({{.name = "a", .content = "x", .method = 12}}), "invalid_argument"},
      {"a way up", zipped({{.name = "../a"}}), "invalid_argument"},
      {"dots anywhere", zipped({{.name = "a..b"}}), "invalid_argument"},
      {"a backslash", zipped({{.name = "a\\b"}}), "invalid_argument"},
      {"an absolute name", zipped({{.name = "/a"}}), "invalid_argument"},
      {"NUL in a name", zipped({{.name = std::string("a.p12\0.txt", 10)}}), "invalid_argument"},
      {"no name", zipped({{.name = ""}}), "invalid_argument"},
      {"a bad name behind good ones", zipped({{.name = "a"}, {.name = "b"}, {.name = "x/../../c"}}), "invalid_argument"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(seen(row.archive).problem, row.problem);
  }
}

TEST(ZipArchive, CutOffAnywhereItIsNoArchive) {
  const std::string whole = zipped({{.name = "a", .content = "some content"}, {.name = "b", .content = "more", .method = 0}});
  ASSERT_EQ(seen(whole).problem, "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(seen(whole.substr(0, size)).problem, "") << size;
}

TEST(ZipArchive, ChangedAnywhereItGivesTheSameOrAnErrorAndNeverTooMuch) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::string whole = zipped({{.name = "cert.p12", .content = std::string(500, 'p')}, {.name = "password.txt", .content = "secret", .method = 0},
                                    {.name = "x.mobileprovision", .content = "<plist>some text, some text, some text</plist>"}});
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = whole;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) changed[random() % changed.size()] = static_cast<char>(random());
    std::uint64_t bytes = 0;
    (void)read_archive(changed, {4096}, [](std::string_view) { return true; }, [&](std::string_view, const std::string& content) { bytes += content.size(); });
    ASSERT_LE(bytes, 4096u);
  }
}

}  // namespace
}  // namespace tidemark::zip
