#include "core/log/embedded/embedded_log.hpp"
#include "core/log/embedded/scan.hpp"

namespace tidemark::log {
namespace {

/// Decodes every record; one sentence when one does not.
void check_records(const FoundFrame& frame, VerifyReport& report) {
  for (const FrameEntry& entry : frame.entries) {
    const auto at = "segment " + std::to_string(frame.header.segment) + " offset " + std::to_string(frame.header.offset + entry.offset) + ": ";
    auto reader = RecordBatchReader::open(frame.bytes.substr(entry.offset, entry.length));
    if (!reader) {
      report.damage.push_back(at + reader.error().message);
      continue;
    }
    if (reader->size_bytes() != entry.length || reader->count() != entry.count ||
        static_cast<std::uint64_t>(reader->base_offset()) != entry.first) {
      report.damage.push_back(at + "the record batch is not the one that the frame's directory names");
      continue;
    }
    while (!reader->done()) {
      if (auto record = reader->next(); !record) {
        report.damage.push_back(at + record.error().message);
        break;
      }
      ++report.records;
    }
  }
}

}  // namespace

Result<VerifyReport> verify_embedded_log(Disk& disk, const std::string& directory) {
  VerifyReport report;
  auto state = inspect_journal(disk, directory, Depth::all, [&](const FoundFrame& frame) {
    ++report.commits;
    check_records(frame, report);
  });
  if (!state) {
    if (state.error().code != Code::corrupt) return state.take_error();
    report.damage.push_back(state.error().message);
    return report;
  }
  report.segments = state->segments.size();
  report.bytes = state->bytes;
  for (const Error& damage : state->damage) report.damage.push_back(damage.message);
  report.notes = std::move(state->notes);
  return report;
}

}  // namespace tidemark::log
