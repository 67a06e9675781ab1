// The worked example of docs/formats/journal.md is what the code writes.
#include <fstream>
#include <sstream>

#include "core/base/bytes.hpp"
#include "core/log/embedded/layout.hpp"
#include "journal_rig.hpp"

namespace tidemark::log::test {
namespace {

std::string dump(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    std::string digits;
    put_u16_be(digits, static_cast<std::uint16_t>(at));
    out += to_hex(digits) + " ";
    for (unsigned char c : bytes.substr(at, 16)) out += " " + to_hex(std::string_view(reinterpret_cast<const char*>(&c), 1));
    out += "\n";
  }
  return out;
}

/// The block behind "Example: <name>".
std::string block_of(const std::string& page, const std::string& name) {
  const auto heading = page.find("Example: " + name + "\n");
  const auto begin = page.find("```\n", heading);
  const auto end = page.find("```", begin + 4);
  if (heading == std::string::npos || begin == std::string::npos || end == std::string::npos) return "";
  return page.substr(begin + 4, end - begin - 4);
}

/// Two small commits in the first segment; when `seal`, a third that does not fit behind them.
std::map<std::string, std::string> example(bool seal = false) {
  tidemark::test::SimDisk disk(1);
  tidemark::test::ManualExecutor home, writer, sealer;
  EmbeddedLogOptions options;
  options.directory = "log";
  options.lanes = 2;
  options.segment_bytes = 4096;
  options.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
  if (seal) options.sealer = &sealer;
  {
    auto log = open_embedded_log(disk, home, writer, options);
    EXPECT_TRUE(log.ok());
    auto ledger = (*log)->open_topic(TopicSpec{"builds.ledger", TopicClass::fact, std::nullopt});
    auto activity = (*log)->open_topic(TopicSpec{"builds.activity", TopicClass::ephemeral, Duration(86400000)});
    auto traces = (*log)->open_topic(TopicSpec{"builds.traces", TopicClass::ephemeral, std::nullopt, 1u << 30});
    EXPECT_TRUE(ledger.ok() && activity.ok() && traces.ok());
    std::optional<Ownership> owner;
    (*log)->take(LaneId{1}, [&](Result<Ownership> r) { owner = *r; });
    tidemark::test::run_all({&writer, &home});
    const std::string large(3600, 'l');
    for (std::uint64_t i = 0; i < (seal ? 3 : 2); ++i) {
      LaneBatch batch;
      batch.topics.resize(1);
      batch.topics[0].topic = *ledger;
      batch.topics[0].first = Tmseq{i};
      event::RecordView record;
      record.key = "k";
      record.value = i == 0 ? "one" : i == 1 ? "two" : std::string_view(large);
      record.timestamp_ms = 1700000000000;
      batch.topics[0].records.add(record);
      (*log)->append(*owner, std::move(batch), [](Result<void> r) { EXPECT_TRUE(r.ok()); });
      tidemark::test::run_all({&writer, &home, &sealer});
    }
  }
  return disk.image();
}

TEST(JournalFormatPage, ShowsTheBytesThatTheCodeWrites) {
  std::ifstream in(std::string(TIDEMARK_SOURCE_DIR) + "/docs/formats/journal.md");
  std::stringstream page;
  page << in.rdbuf();
  const auto image = example();
  const std::string& segment = image.at("log/0000000001.journal");
  EXPECT_EQ(block_of(page.str(), "meta"), image.at("log/meta"));
  EXPECT_EQ(block_of(page.str(), "segment header"), dump(segment.substr(0, kSegmentHeaderSize)));
  EXPECT_EQ(block_of(page.str(), "first frame"), dump(segment.substr(64, 192)));
  EXPECT_EQ(block_of(page.str(), "second frame"), dump(segment.substr(256, 192)));
  EXPECT_EQ(block_of(page.str(), "tail"), dump(image.at("log/tail").substr(kTailSlotAt[1], kTailSlotSize)));
  const auto sealed = example(true);
  EXPECT_EQ(block_of(page.str(), "catalogue"), sealed.at("log/catalogue"));
  EXPECT_EQ(block_of(page.str(), "sealed file"), dump(sealed.at("log/0000000001-0000000001.fact.sealed")));
}

}  // namespace
}  // namespace tidemark::log::test
