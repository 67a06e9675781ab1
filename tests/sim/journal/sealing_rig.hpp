#pragma once
// What the tests of sealing and retention share.

#include <algorithm>

#include "core/log/embedded/layout.hpp"
#include "journal_rig.hpp"

namespace tidemark::log::test {

/// Files of the log whose name holds `part`.
inline std::vector<std::string> names(const JournalRig& rig, std::string_view part) {
  std::vector<std::string> out;
  for (const auto& [name, bytes] : rig.disk.image()) {
    if (name.find(part) != std::string::npos) out.push_back(name.substr(4));
  }
  return out;
}

/// Enough for several segments, in all topics; a second passes per round.
inline void fill(JournalRig& rig, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    rig.append(0, {1, 1, 1}, 150);
    rig.append(1, {2, 1}, 250);
    rig.run();
    rig.append(2, {1, 1, 2}, 200);
    rig.append(0, {1});
    rig.run();
    rig.now += std::chrono::seconds(1);
  }
}

inline void expect_whole(JournalRig& rig, const std::string& where) {
  auto report = verify_embedded_log(rig.disk, "log");
  ASSERT_TRUE(report.ok()) << where << ": " << describe(report.error());
  ASSERT_TRUE(report->damage.empty()) << where << ": " << report->damage.front();
}

inline std::size_t count(const JournalRig& rig, SealingReport::Kind kind) {
  return static_cast<std::size_t>(std::count_if(rig.sealed.begin(), rig.sealed.end(), [kind](const auto& r) { return r.kind == kind; }));
}

/// Flips a bit of a closed log's file, so many bytes before its end.
inline void damage(JournalRig& rig, const std::string& name, std::size_t before_end) {
  auto image = rig.disk.image();
  std::string& bytes = image.at("log/" + name);
  bytes[bytes.size() - before_end] ^= 1;
  rig.disk.load(image);
}

inline JournalRig& sealing(JournalRig& rig) {
  rig.sealing = true;
  return rig;
}

}  // namespace tidemark::log::test
