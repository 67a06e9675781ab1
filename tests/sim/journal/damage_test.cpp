// Every truncation and every flipped byte of a small journal: named, or a torn tail that no witness contradicts, or harmless.
#include "core/log/embedded/layout.hpp"
#include "journal_rig.hpp"

namespace tidemark::log::test {
namespace {

using Image = std::map<std::string, std::string>;

struct Written {
  Image image;
  std::vector<Asked> asked;
};

Written written(bool clean_stop) {
  JournalRig rig(1);
  EXPECT_TRUE(rig.open().ok());
  for (int round = 0; round < 2; ++round) {
    rig.append(0, {1, 1});
    rig.run();
    rig.append(1, {2, 1}, 300);
    rig.append(2, {1, 1}, 300);
    rig.run();
    rig.append(0, {2, 1}, 500);
    rig.run();
  }
  Written out;
  out.image = rig.disk.image();
  if (clean_stop) {
    rig.close();
    out.image = rig.disk.image();
  }
  out.asked = rig.asked;
  return out;
}

enum class Outcome { named, cut, harmless, served_wrong };

/// Opens the damaged image and says what became of the damage.
Outcome open_damaged(const Written& whole, const Image& image, std::string& what) {
  JournalRig rig(7);
  rig.disk.load(image);
  auto opened = rig.open();
  if (!opened) {
    what = describe(opened.error());
    if (opened.error().code != Code::corrupt) return Outcome::served_wrong;
    // Nothing is changed when damage is found.
    for (const auto& [name, bytes] : image) {
      if (name != "log/lock" && rig.disk.image()[name] != bytes) {
        what += "; but " + name + " was changed";
        return Outcome::served_wrong;
      }
    }
    return Outcome::named;
  }
  // Appends may be missing at the end only, as wholes; and only when a torn tail was cut.
  const bool cut = rig.report.torn_bytes_cut > 0;
  for (std::size_t kept = whole.asked.size() + 1; kept-- > 0;) {
    rig.asked.assign(whole.asked.begin(), whole.asked.begin() + static_cast<std::ptrdiff_t>(kept));
    what = rig.compare();
    if (what.empty()) {
      if (kept == whole.asked.size()) return cut ? Outcome::cut : Outcome::harmless;
      what = "kept " + std::to_string(kept) + " of " + std::to_string(whole.asked.size());
      return cut ? Outcome::cut : Outcome::served_wrong;
    }
    if (what.find("does not fit") != std::string::npos || what.find("corrupt") != std::string::npos) return Outcome::named;
  }
  return Outcome::served_wrong;
}

bool verify_names_it(const Image& image) {
  tidemark::test::SimDisk disk(1);
  disk.load(image);
  auto report = verify_embedded_log(disk, "log");
  return report.ok() && (!report->damage.empty() || !report->notes.empty());
}

class JournalDamage : public testing::TestWithParam<bool> {};

TEST_P(JournalDamage, OfAnyByteIsNeverServed) {
  const bool clean_stop = GetParam();
  const Written whole = written(clean_stop);
  std::map<Outcome, int> outcomes;
  for (const auto& [name, bytes] : whole.image) {
    if (name == "log/lock") continue;
    const bool journal = name.ends_with(".journal");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      // Deep in zeros one byte is like the other.
      if (bytes[at] == 0 && at % 97 != 0 && at > 200 && all_zero(std::string_view(bytes).substr(at - 64, 128))) continue;
      const bool header = journal && at % kFrameAlign < 4 * 16 && std::string_view(bytes).substr(at / kFrameAlign * kFrameAlign, 4) == "TMJF";
      const bool every_bit = header || !journal;
      for (int bit = every_bit ? 0 : static_cast<int>(at % 8); bit < 8; bit += every_bit ? 1 : 8) {
        Image damaged = whole.image;
        damaged[name][at] = static_cast<char>(damaged[name][at] ^ (1 << bit));
        std::string what;
        const Outcome outcome = open_damaged(whole, damaged, what);
        ASSERT_NE(outcome, Outcome::served_wrong) << name << " byte " << at << " bit " << bit << ": " << what;
        // After a clean stop the tail file vouches for the last frame too: nothing but zeros may be cut.
        if (clean_stop && outcome == Outcome::cut) {
          ASSERT_EQ(what, "") << name << " byte " << at;
        }
        if (!every_bit || bit == 0) {
          ASSERT_TRUE(verify_names_it(damaged)) << name << " byte " << at;
        }
        ++outcomes[outcome];
      }
    }
  }
  EXPECT_GT(outcomes[Outcome::named], 500);
  RecordProperty("named", outcomes[Outcome::named]);
  RecordProperty("cut", outcomes[Outcome::cut]);
  RecordProperty("harmless", outcomes[Outcome::harmless]);
}

TEST_P(JournalDamage, ByTruncationIsNeverServed) {
  const Written whole = written(GetParam());
  for (const auto& [name, bytes] : whole.image) {
    if (name == "log/lock") continue;
    for (std::size_t size = 0; size < bytes.size(); size += size < 1024 || size % 64 > 60 ? 1 : 3) {
      Image damaged = whole.image;
      damaged[name].resize(size);
      std::string what;
      const Outcome outcome = open_damaged(whole, damaged, what);
      ASSERT_TRUE(name == "log/tail" ? outcome == Outcome::harmless : outcome == Outcome::named) << name << " cut to " << size << ": " << what;
    }
  }
}

TEST_P(JournalDamage, ByALostFileIsNamed) {
  const Written whole = written(GetParam());
  for (const auto& [name, bytes] : whole.image) {
    if (name == "log/lock") continue;
    Image damaged = whole.image;
    damaged.erase(name);
    std::string what;
    const Outcome outcome = open_damaged(whole, damaged, what);
    const bool unused_ahead = name.ends_with(".journal") && all_zero(std::string_view(bytes).substr(kSegmentHeaderSize));
    EXPECT_EQ(outcome, name == "log/tail" || unused_ahead ? Outcome::harmless : Outcome::named) << name << ": " << what;
  }
}

TEST_P(JournalDamage, BySwappedFilesIsNamed) {
  const Written whole = written(GetParam());
  Image damaged = whole.image;
  std::swap(damaged["log/" + segment_name(1)], damaged["log/" + segment_name(2)]);
  std::string what;
  EXPECT_EQ(open_damaged(whole, damaged, what), Outcome::named) << what;
  EXPECT_NE(what.find("segment 1 offset 0: the file is that of segment 2"), std::string::npos) << what;
}

TEST_P(JournalDamage, ByAnEarlierCopyOfASegmentIsNamed) {
  const Written whole = written(GetParam());
  Image damaged = whole.image;
  auto& first = damaged["log/" + segment_name(1)];
  // As if the first segment had been restored from a backup made after its first frame.
  const auto second = first.find("TMJF", first.find("TMJF") + 4);
  ASSERT_NE(second, std::string::npos);
  std::fill(first.begin() + static_cast<std::ptrdiff_t>(second), first.end(), '\0');
  std::string what;
  EXPECT_EQ(open_damaged(whole, damaged, what), Outcome::named);
  EXPECT_NE(what.find("segment 1 offset " + std::to_string(second)), std::string::npos) << what;
}

INSTANTIATE_TEST_SUITE_P(Stops, JournalDamage, testing::Values(false, true), [](const auto& info) { return info.param ? "Clean" : "Killed"; });

}  // namespace
}  // namespace tidemark::log::test
