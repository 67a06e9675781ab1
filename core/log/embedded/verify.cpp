#include <map>

#include "core/log/embedded/embedded_log.hpp"
#include "core/log/embedded/scan.hpp"
#include "core/log/embedded/sealed_file.hpp"

namespace tidemark::log {
namespace {

/// Decodes every record of a batch that should begin at `first`; one sentence when one does not.
void check_records(const std::string& at, std::string_view batch, std::uint64_t first, std::uint32_t count, VerifyReport& report) {
  auto reader = RecordBatchReader::open(batch);
  if (!reader) {
    report.damage.push_back(at + reader.error().message);
    return;
  }
  if (reader->size_bytes() != batch.size() || reader->count() != count || static_cast<std::uint64_t>(reader->base_offset()) != first) {
    report.damage.push_back(at + "the record batch is not the one that was written here");
    return;
  }
  while (!reader->done()) {
    if (auto record = reader->next(); !record) {
      report.damage.push_back(at + record.error().message);
      return;
    }
    ++report.records;
  }
}

void check_frame(const FoundFrame& frame, VerifyReport& report) {
  ++report.commits;
  for (const FrameEntry& entry : frame.entries) {
    const auto at = "segment " + std::to_string(frame.header.segment) + " offset " + std::to_string(frame.header.offset + entry.offset) + ": ";
    check_records(at, frame.bytes.substr(entry.offset, entry.length), entry.first, entry.count, report);
  }
}

/// Reads the sealed files, and holds them against each other and against the catalogue.
Result<void> check_sealed(Disk& disk, const std::string& directory, const Catalogue& catalogue, VerifyReport& report) {
  const auto damaged = [&](const Error& error) -> Result<void> {
    if (error.code != Code::corrupt) return error;
    report.damage.push_back(error.message);
    return {};
  };
  std::map<PartitionKey, std::uint64_t> next;  // where the files so far end
  for (const auto& [key, range] : catalogue.ranges) next[key] = range.begin;
  bool whole = true;
  for (const CataloguedFile& known : catalogue.files) {
    ++report.sealed_files;
    auto file = SealedFile::open(disk, directory, known, salt_of(catalogue.epoch));
    if (!file) {
      if (auto done = damaged(file.error()); !done) return done;
      whole = false;  // what it held is not known, nor where its neighbours should begin
      continue;
    }
    report.bytes += known.size;
    for (const SealedPartition& p : (*file)->partitions()) {
      std::uint64_t& expected = next[p.key];
      if (whole && p.first != expected) {
        report.damage.push_back((*file)->damage(0, "topic " + std::to_string(p.key.first) + " lane " + std::to_string(p.key.second) + " goes on at " +
                                                       std::to_string(p.first) + " instead of " + std::to_string(expected)).message);
      }
      expected = p.end;
    }
    std::uint64_t first = 0;
    auto read = (*file)->for_each([&](const SealedPartition& p, const SealedEntry& entry, std::uint64_t offset, std::string_view batch) -> Result<void> {
      if (offset == p.offset) first = p.first;
      check_records("file " + known.name() + " offset " + std::to_string(offset) + ": ", batch, first, entry.count, report);
      first += entry.count;
      return {};
    });
    if (!read) {
      if (auto done = damaged(read.error()); !done) return done;
    }
  }
  for (const auto& [key, range] : catalogue.ranges) {
    if (!whole || next[key] == range.end) continue;
    report.damage.push_back("catalogue: the files of topic " + std::to_string(key.first) + " lane " + std::to_string(key.second) + " end at " +
                            std::to_string(next[key]) + " instead of " + std::to_string(range.end));
  }
  return {};
}

Result<VerifyReport> verify_once(Disk& disk, const std::string& directory) {
  VerifyReport report;
  auto state = inspect_journal(disk, directory, Depth::all, [&](const Inspection&, const FoundFrame& frame) { check_frame(frame, report); });
  if (!state) {
    if (state.error().code != Code::corrupt) return state.take_error();
    report.damage.push_back(state.error().message);
    return report;
  }
  report.segments = state->segments.size();
  report.bytes = state->bytes;
  for (const Error& damage : state->damage) report.damage.push_back(damage.message);
  report.notes = std::move(state->notes);
  for (const auto& name : state->leftovers) report.notes.push_back(name + ": left over by an interrupted sealing; the next start removes it");
  if (auto done = check_sealed(disk, directory, state->catalogue, report); !done) return done.take_error();
  return report;
}

}  // namespace

Result<VerifyReport> verify_embedded_log(Disk& disk, const std::string& directory) {
  const auto catalogue = [&] { return read_file(disk, directory + "/" + std::string(kCatalogueName)); };
  for (;;) {
    const auto before = catalogue();
    auto report = verify_once(disk, directory);
    if (report && report->damage.empty()) return report;
    // A node at work may have sealed or cut what was about to be read.
    const auto after = catalogue();
    if (before.ok() == after.ok() && (!before.ok() || *before == *after)) return report;
  }
}

}  // namespace tidemark::log
