#include "core/log/embedded/recovery.hpp"

#include <algorithm>

#include "core/log/embedded/copy_mark.hpp"

namespace tidemark::log {
namespace {

constexpr std::size_t kStep = 1u << 20;

Result<void> zero(File& file, std::uint64_t from, std::uint64_t to) {
  const std::string zeros(static_cast<std::size_t>(std::min<std::uint64_t>(kStep, to - from)), '\0');
  for (; from < to; from += kStep) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kStep, to - from));
    if (auto done = file.pwrite(from, std::string_view(zeros).substr(0, size)); !done) return done;
  }
  return {};
}

/// What is found must be durable before anything is served or built on it. The last frame is written again first: after a
/// failed sync a kernel may hold it as clean without the disk having it, and a sync alone would then do nothing. Earlier
/// frames were durable before it was written.
Result<void> settle(const Inspection& state) {
  for (const TornRange& torn : state.torn) {
    File& file = *state.segments[torn.segment].file;
    if (auto done = zero(file, torn.from, torn.to); !done) return done;
    if (auto done = file.sync(); !done) return done;
  }
  File& file = *state.segments[state.current].file;
  if (state.last_frame != 0) {
    auto bytes = file.pread(state.last_frame, static_cast<std::size_t>(state.end - state.last_frame));
    if (!bytes) return bytes.take_error();
    if (auto done = file.pwrite(state.last_frame, *bytes); !done) return done;
  }
  return file.sync();
}

/// Indexes that go on where the sealed files end.
std::vector<PartitionIndex> behind_sealed(const Inspection& state) {
  std::vector<PartitionIndex> out(state.meta.topics.size() * state.meta.lanes);
  for (const auto& [key, range] : state.catalogue.ranges) out[std::size_t{key.first} * state.meta.lanes + key.second] = PartitionIndex(range.end);
  return out;
}

}  // namespace

Result<bool> journal_exists(Disk& disk, const std::string& directory) {
  auto meta = disk.exists(directory + "/meta");
  if (!meta || *meta) return meta;
  auto names = disk.list(directory);
  if (!names) return names.take_error();
  for (const auto& name : *names) {
    if (name == kCatalogueName || name.ends_with(kSealedSuffix)) return make_error(Code::corrupt, "the file meta is missing in " + directory + " beside " + name);
    const auto number = parse_segment_name(name);
    if (!number) continue;
    // A creation that was interrupted leaves one segment without a frame.
    auto file = disk.open_read(directory + "/" + name);
    if (!file) return file.take_error();
    auto size = (*file)->size();
    if (!size) return size.take_error();
    SegmentWindow window(**file);
    for (std::uint64_t at = kSegmentHeaderSize; at < *size; at += kStep) {
      auto bytes = window.view(at, kStep);
      if (!bytes) return bytes.take_error();
      if (!all_zero(*bytes)) return make_error(Code::corrupt, "the file meta is missing in " + directory + ", but " + name + " holds data");
    }
  }
  return false;
}

Result<void> create_journal(Disk& disk, const EmbeddedLogOptions& options) {
  auto names = disk.list(options.directory);
  if (!names) return names.take_error();
  for (const auto& name : *names) {
    if (!parse_segment_name(name)) continue;
    if (auto done = disk.remove(options.directory + "/" + name); !done) return done;
  }
  if (options.copy_of) {
    if (auto done = write_copy_mark(disk, options.directory, {*options.copy_of, false}); !done) return done;
  } else if (auto done = remove_copy_mark(disk, options.directory); !done) {
    return done;
  }
  JournalMeta meta;
  meta.epoch = options.make_epoch();
  meta.lanes = options.lanes;
  SegmentPreparer preparer(disk, options.directory, meta.epoch, options.segment_bytes);
  preparer.begin(1);
  if (auto segment = preparer.take(); !segment) return segment.take_error();
  if (auto done = replace_file(disk, options.directory + "/tail", std::string(kTailFileSize, '\0')); !done) return done;
  return replace_file(disk, options.directory + "/meta", render_meta(meta));
}

Result<RecoveredJournal> recover_journal(Disk& disk, const std::string& directory, RecoveryReport& report) {
  RecoveredJournal out;
  const auto visit = [&](const Inspection& so_far, const FoundFrame& frame) {
    if (out.index.empty()) out.index = behind_sealed(so_far);
    for (const FrameEntry& entry : frame.entries) {
      auto& index = out.index[std::size_t{entry.topic} * so_far.meta.lanes + entry.lane];
      index.add(BatchPlace{entry.first, entry.count, frame.header.segment, frame.header.offset + entry.offset, entry.length});
    }
  };
  auto state = inspect_journal(disk, directory, Depth::open, visit);
  if (!state) return state.take_error();
  if (!state->damage.empty()) {
    Error error = state->damage.front();
    error.message = "the journal in " + directory + " is damaged: " + error.message;
    return error;
  }
  out.state = std::move(*state);
  if (out.index.empty()) out.index = behind_sealed(out.state);
  if (auto done = settle(out.state); !done) return done.take_error();
  for (const auto& name : out.state.leftovers) {
    if (auto done = disk.remove(directory + "/" + name); !done) return done.take_error();
  }
  for (const TornRange& torn : out.state.torn) report.torn_bytes_cut += torn.to - torn.from;
  report.segments = out.state.segments.size();
  report.sealed_files = out.state.catalogue.files.size();
  report.commits = out.state.commit;
  return out;
}

}  // namespace tidemark::log
