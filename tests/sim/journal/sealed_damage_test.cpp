// Every flipped bit, truncation and loss of sealed files and their catalogue is named and never served.
#include "core/log/embedded/catalogue.hpp"
#include "sealing_rig.hpp"

namespace tidemark::log::test {
namespace {

using Image = std::map<std::string, std::string>;

struct Written {
  Image image;
  std::vector<Asked> asked;
};

Written written() {
  JournalRig rig(1);
  EXPECT_TRUE(sealing(rig).open().ok());
  fill(rig, 4);
  rig.close();
  return {rig.disk.image(), rig.asked};
}

/// Empty when the damaged log gives every record as it was; otherwise what it said.
std::string open_damaged(const Written& whole, const Image& image) {
  JournalRig rig(7);
  rig.disk.load(image);
  rig.asked = whole.asked;
  auto opened = rig.open();
  if (!opened) {
    EXPECT_EQ(opened.error().code, Code::corrupt) << describe(opened.error());
    for (const auto& [name, bytes] : image) EXPECT_TRUE(name == "log/lock" || rig.disk.image()[name] == bytes) << name << " was changed";
    return describe(opened.error());
  }
  return rig.compare();
}

std::string verify(const Image& image) {
  tidemark::test::SimDisk disk(1);
  disk.load(image);
  auto report = verify_embedded_log(disk, "log");
  if (!report.ok()) return describe(report.error());
  return report->damage.empty() ? "" : report->damage.front();
}

bool is_sealed(const std::string& name) { return name.ends_with(".sealed"); }

TEST(SealedDamage, OfAnyBitIsFoundAndNamed) {
  const Written whole = written();
  ASSERT_EQ(open_damaged(whole, whole.image), "");
  ASSERT_EQ(verify(whole.image), "");
  int flips = 0, noticed_by_readers = 0;
  for (const auto& [name, bytes] : whole.image) {
    if (!is_sealed(name) && name != "log/catalogue") continue;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const auto bit = at % 8;
      Image damaged = whole.image;
      damaged[name][at] = static_cast<char>(damaged[name][at] ^ (1 << bit));
      const std::string file = is_sealed(name) ? "file " + name.substr(4) + " offset " : "catalogue: ";
      const std::string found = verify(damaged);
      ASSERT_NE(found.find(file), std::string::npos) << name << " byte " << at << " bit " << bit << ": " << found;
      // The checksums at the end of a file serve verification and merging only; whoever reads gets the records as they were.
      const std::string served = open_damaged(whole, damaged);
      ASSERT_TRUE(served.empty() || served.find(file) != std::string::npos) << name << " byte " << at << " bit " << bit << ": " << served;
      ++flips;
      noticed_by_readers += served.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(flips, 4000);
  EXPECT_GT(noticed_by_readers, flips * 3 / 4);
}

TEST(SealedDamage, ByTruncationIsNamed) {
  const Written whole = written();
  for (const auto& [name, bytes] : whole.image) {
    if (!is_sealed(name) && name != "log/catalogue") continue;
    for (std::size_t size = 0; size < bytes.size(); size += 31) {
      Image damaged = whole.image;
      damaged[name].resize(size);
      const std::string file = is_sealed(name) ? "file " + name.substr(4) + " offset " + std::to_string(size) : "catalogue: ";
      ASSERT_NE(open_damaged(whole, damaged).find(file), std::string::npos) << name << " cut to " << size << ": " << open_damaged(whole, damaged);
      ASSERT_NE(verify(damaged).find(file), std::string::npos) << name << " cut to " << size << ": " << verify(damaged);
    }
  }
}

TEST(SealedDamage, ByALostFileIsNamedAtTheStart) {
  const Written whole = written();
  for (const auto& [name, bytes] : whole.image) {
    if (!is_sealed(name) && name != "log/catalogue" && name != "log/meta") continue;
    Image damaged = whole.image;
    damaged.erase(name);
    const std::string what = open_damaged(whole, damaged);
    // Without a catalogue the first segment is looked for.
    const std::string expected = is_sealed(name) ? name.substr(4) : name == "log/meta" ? "meta is missing" : "segment 1 offset 0: the file is missing";
    EXPECT_NE(what.find(expected), std::string::npos) << name << ": " << what;
    EXPECT_NE(verify(damaged), "") << name;
  }
}

TEST(SealedDamage, ByACatalogueOfAnotherJournalIsNamed) {
  const Written whole = written();
  auto catalogue = parse_catalogue(whole.image.at("log/catalogue"));
  ASSERT_TRUE(catalogue.ok());
  catalogue->epoch.bytes[15] ^= 1;
  Image damaged = whole.image;
  damaged["log/catalogue"] = render_catalogue(*catalogue);
  EXPECT_NE(open_damaged(whole, damaged).find("catalogue: it belongs to another journal"), std::string::npos) << open_damaged(whole, damaged);
}

TEST(SealedDamage, ByASealedFileOfAnotherTimeIsNamed) {
  const Written whole = written();
  std::vector<std::string> facts;
  for (const auto& [name, bytes] : whole.image) {
    if (name.ends_with(".fact.sealed")) facts.push_back(name);
  }
  ASSERT_GE(facts.size(), 2u);
  Image damaged = whole.image;
  std::swap(damaged[facts[0]], damaged[facts[1]]);
  EXPECT_NE(open_damaged(whole, damaged).find("file "), std::string::npos) << open_damaged(whole, damaged);
  EXPECT_NE(verify(damaged), "");
}

// As when a backup of the catalogue is restored beside newer files: what it does not name must not be removed.
TEST(SealedDamage, ByAnOlderCatalogueIsNamedAndNothingIsRemoved) {
  JournalRig rig(1);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 6);
  const std::string older = rig.disk.image().at("log/catalogue");
  fill(rig, 6);
  rig.close();
  Written whole{rig.disk.image(), rig.asked};
  ASSERT_NE(whole.image.at("log/catalogue"), older);
  whole.image["log/catalogue"] = older;
  EXPECT_NE(open_damaged(whole, whole.image).find("is missing"), std::string::npos) << open_damaged(whole, whole.image);
}

TEST(SealedDamage, LeavesFilesThatNoCatalogueNamesOnlyUntilTheNextStart) {
  const Written whole = written();
  Image image = whole.image;
  image["log/0000000090-0000000090.fact.sealed"] = "half";
  image["log/0000000091-0000000091.fact.sealed.new"] = "half";
  image["log/catalogue.new"] = "half";
  JournalRig rig(7);
  rig.disk.load(image);
  rig.asked = whole.asked;
  ASSERT_TRUE(rig.open().ok());
  ASSERT_EQ(rig.compare(), "");
  EXPECT_TRUE(names(rig, "000009").empty());
}

}  // namespace
}  // namespace tidemark::log::test
