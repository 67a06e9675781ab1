#include "core/log/embedded/sealer.hpp"

#include <algorithm>
#include <set>

#include "core/base/bytes.hpp"
#include "core/log/embedded/layout.hpp"
#include "core/log/embedded/retention.hpp"
#include "core/log/record_batch.hpp"

namespace tidemark::log {
namespace {

Error cancelled() { return make_error(Code::cancelled, "the log is closing"); }

/// What a full segment holds of a topic and lane.
struct Fresh {
  std::uint32_t entries = 0;
  std::uint64_t first = 0, end = 0, bytes = 0;
};

}  // namespace

/// What goes into one new file.
struct Sealer::Group {
  std::map<PartitionKey, Fresh> fresh;
  std::int64_t from_ms = INT64_MAX, to_ms = 0;
  FileBounds bounds;
  std::vector<CataloguedFile> merged;                        // older neighbours that it takes in, oldest first
  std::vector<std::shared_ptr<const SealedFile>> sources;    // the same, open
  std::optional<SealedWriter> writer;
  std::string path;                                          // of the file while it is made
};

/// One sealing, up to the files having their names.
class Sealer::Round {
 public:
  Round(Sealer& sealer, const FullSegment& full, const std::vector<TopicSpec>& topics, const std::atomic<bool>& stop)
      : sealer_(sealer), full_(full), topics_(topics), stop_(stop) {}

  Result<CatalogueChange> run() {
    if (auto done = measure(); !done) return done.take_error();
    for (auto& [retention_class, group] : groups_) {
      choose_neighbours(retention_class, group);
      if (auto done = lay_out(retention_class, group); !done) return done.take_error();
    }
    if (auto done = copy(); !done) return done.take_error();
    return finish();
  }
  /// Removes what a failed round has made.
  void undo() {
    for (const std::string& path : made_) {
      if (auto removed = sealer_.disk_.remove(path); !removed) continue;  // it stays until the next start
    }
  }

 private:
  Error damage(std::uint64_t offset, const std::string& why) const {
    return make_error(Code::corrupt, "segment " + std::to_string(full_.segment.number) + " offset " + std::to_string(offset) + ": " + why);
  }

  /// What is damaged is not merged, from the next round on: it stays what it is, and holds up nothing else.
  Error leave_apart(const CataloguedFile& file, Error error) {
    if (error.code == Code::corrupt) sealer_.damaged_.insert(file.name());
    return error;
  }

  using Visit = std::function<Result<void>(const FrameHeader& header, const FrameEntry& entry, std::string_view batch)>;
  /// Every record batch of the segment, the chain of frames checked down to each batch's checksum.
  Result<void> walk(const Visit& visit) const {
    SegmentWindow window(*full_.segment.file);
    std::uint64_t commit = sealer_.catalogue_.commit;
    std::uint32_t crc = sealer_.catalogue_.crc;
    for (std::uint64_t at = kSegmentHeaderSize; commit < full_.commit;) {
      if (stop_) return cancelled();
      auto head = window.view(at, kFrameHeaderSize);
      if (!head) return head.take_error();
      const auto header = decode_frame_header(*head, full_.segment.number, at, sealer_.salt_);
      if (!header || header->commit != commit + 1 || header->previous_crc != crc) return damage(at, "no frame of commit " + std::to_string(commit + 1));
      const std::uint64_t directory_end = kFrameHeaderSize + std::uint64_t{header->entries} * kEntrySize;
      auto frame = window.view(at, header->length);
      if (!frame) return frame.take_error();
      if (frame->size() != header->length || directory_end > frame->size() ||
          crc32c(frame->substr(kFrameHeaderSize, directory_end - kFrameHeaderSize)) != header->directory_crc) {
        return damage(at, "the frame's directory does not fit its checksum");
      }
      for (std::uint32_t i = 0; i < header->entries; ++i) {
        const FrameEntry entry = decode_frame_entry(frame->data() + kFrameHeaderSize + i * kEntrySize);
        if (std::uint64_t{entry.offset} + entry.length > frame->size()) return damage(at, "the frame's directory contradicts itself");
        const auto batch = frame->substr(entry.offset, entry.length);
        if (crc32c(batch) != entry.crc || !measure_batch(batch)) return damage(at + entry.offset, "the record batch does not fit its checksum");
        if (auto done = visit(*header, entry, batch); !done) return done;
      }
      commit = header->commit;
      crc = header->crc;
      at += header->length;
    }
    if (commit == full_.commit && crc == full_.crc) return {};
    return damage(kSegmentHeaderSize, "its last frame is not that of commit " + std::to_string(full_.commit));
  }

  Result<void> measure() {
    return walk([this](const FrameHeader& header, const FrameEntry& entry, std::string_view batch) -> Result<void> {
      if (entry.topic >= topics_.size()) return damage(header.offset, "an entry of a topic that meta does not declare");
      const TopicSpec& spec = topics_[entry.topic];
      Group& group = groups_[retention_class_of(spec, TopicId{entry.topic})];
      group.bounds = file_bounds(spec);
      const PartitionKey key{entry.topic, entry.lane};
      const auto [at, is_new] = group.fresh.try_emplace(key);
      Fresh& fresh = at->second;
      if (is_new) fresh.first = fresh.end = sealer_.catalogue_.range(key).end;
      if (entry.first != fresh.end) return damage(header.offset, "topic " + spec.name + " goes on at " + std::to_string(entry.first) + " instead of " + std::to_string(fresh.end));
      ++fresh.entries;
      fresh.end += entry.count;
      fresh.bytes += entry.length;
      const BatchTimes times = batch_times(batch);
      group.from_ms = std::min(group.from_ms, std::max<std::int64_t>(times.first_ms, 0));
      group.to_ms = std::max(group.to_ms, times.latest_ms);
      return {};
    });
  }

  /// The newest files of the class, as long as each is at most twice of what is there to be written anyway: a byte is copied
  /// a few times only, and files grow to the size of a segment.
  void choose_neighbours(const std::string& retention_class, Group& group) const {
    const auto& files = sealer_.catalogue_.files;
    const std::uint64_t bytes_max = std::min(sealer_.merge_bytes_max_, group.bounds.bytes.value_or(UINT64_MAX));
    std::uint64_t bytes = 0;
    for (const auto& [key, fresh] : group.fresh) bytes += fresh.bytes;
    std::int64_t from_ms = group.from_ms;
    std::set<std::uint16_t> newer;  // topics that went on in files of another class
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      if (file->retention_class != retention_class) {
        for (const auto& [topic, ignored] : file->topic_bytes) newer.insert(topic);
        continue;
      }
      from_ms = std::min(from_ms, file->from_ms);
      const bool next_to_it = std::none_of(file->topic_bytes.begin(), file->topic_bytes.end(), [&](const auto& t) { return newer.contains(t.first); });
      const bool too_long = group.bounds.span && std::max(group.to_ms, file->to_ms) - from_ms > group.bounds.span->count();
      if (sealer_.damaged_.contains(file->name()) || !next_to_it || too_long || file->size > 2 * bytes || bytes + file->size > bytes_max) break;
      bytes += file->size;
      group.merged.insert(group.merged.begin(), *file);
    }
  }

  Result<void> lay_out(const std::string& retention_class, Group& group) {
    group.path = sealer_.directory_ + "/" + new_file(retention_class, group).name() + ".new";
    SealedWriter& writer = group.writer.emplace(sealer_.disk_, group.path);
    std::set<std::uint16_t> in_file;
    for (const CataloguedFile& file : group.merged) {
      auto source = sealer_.files_.open(file);
      if (!source) return leave_apart(file, source.take_error());
      for (const SealedPartition& p : (*source)->partitions()) {
        in_file.insert(p.key.first);
        if (!writer.expect(p.key, p.first, p.end, p.entries, p.bytes)) {
          return leave_apart(file, (*source)->damage(0, "it does not go on where the file before ended"));
        }
      }
      group.sources.push_back(std::move(*source));
    }
    for (const auto& [key, fresh] : group.fresh) {
      in_file.insert(key.first);
      if (!writer.expect(key, fresh.first, fresh.end, fresh.entries, fresh.bytes)) return damage(0, "it does not go on where the sealed files end");
    }
    for (const std::uint16_t topic : in_file) {
      for (std::uint32_t lane = 0; lane < sealer_.lanes_; ++lane) {
        const PartitionKey key{topic, static_cast<std::uint16_t>(lane)};
        const std::uint64_t end = sealer_.catalogue_.range(key).end;
        if (!writer.expects(key)) writer.expect(key, end, end, 0, 0);
      }
    }
    made_.push_back(group.path);
    return writer.create();
  }

  Result<void> copy() {
    for (auto& [retention_class, group] : groups_) {
      SealedWriter& writer = *group.writer;
      for (std::size_t i = 0; i < group.sources.size(); ++i) {
        auto done = group.sources[i]->for_each([&](const SealedPartition& partition, const SealedEntry& entry, std::uint64_t, std::string_view batch) {
          return stop_ ? Result<void>(cancelled()) : writer.add(partition.key, entry, batch);
        });
        if (!done) return leave_apart(group.merged[i], done.take_error());
      }
    }
    std::vector<SealedWriter*> writers(topics_.size(), nullptr);
    for (auto& [retention_class, group] : groups_) {
      for (const auto& [key, fresh] : group.fresh) writers[key.first] = &*group.writer;
    }
    return walk([&](const FrameHeader& header, const FrameEntry& entry, std::string_view batch) {
      return writers[entry.topic]->add({entry.topic, entry.lane}, SealedEntry{header.commit, entry.length, entry.count, entry.crc}, batch);
    });
  }

  Result<CatalogueChange> finish() {
    CatalogueChange out;
    out.catalogue = sealer_.catalogue_;
    for (auto& [retention_class, group] : groups_) {
      CataloguedFile file = new_file(retention_class, group);
      auto finished = group.writer->finish(file.first_commit, full_.commit, full_.crc, sealer_.salt_);
      if (!finished) return finished.take_error();
      finished->first_segment = file.first_segment;
      finished->last_segment = file.last_segment;
      finished->retention_class = retention_class;
      file = std::move(*finished);
      const std::string path = sealer_.directory_ + "/" + file.name();
      if (auto done = sealer_.disk_.rename(group.path, path); !done) return done.take_error();
      made_.push_back(path);
      std::erase_if(out.catalogue.files, [&](const CataloguedFile& old) {
        return std::any_of(group.merged.begin(), group.merged.end(), [&](const CataloguedFile& m) { return m.name() == old.name(); });
      });
      out.dropped.insert(out.dropped.end(), group.merged.begin(), group.merged.end());
      for (const auto& [key, fresh] : group.fresh) out.catalogue.ranges[key] = {sealer_.catalogue_.range(key).begin, fresh.end};
      out.catalogue.files.push_back(file);
      out.added.push_back(std::move(file));
    }
    out.catalogue.segment = full_.segment.number + 1;
    out.catalogue.commit = full_.commit;
    out.catalogue.crc = full_.crc;
    if (auto done = sealer_.disk_.sync_directory(sealer_.directory_); !done) return done.take_error();
    return out;
  }

  CataloguedFile new_file(const std::string& retention_class, const Group& group) const {
    CataloguedFile file;
    file.first_segment = group.merged.empty() ? full_.segment.number : group.merged.front().first_segment;
    file.last_segment = full_.segment.number;
    file.retention_class = retention_class;
    file.first_commit = group.merged.empty() ? sealer_.catalogue_.commit + 1 : group.merged.front().first_commit;
    return file;
  }

  Sealer& sealer_;
  const FullSegment& full_;
  const std::vector<TopicSpec>& topics_;
  const std::atomic<bool>& stop_;
  std::map<std::string, Group> groups_;
  std::vector<std::string> made_;
};

Sealer::Sealer(Disk& disk, std::string directory, std::uint32_t lanes, std::uint64_t merge_bytes_max, Catalogue catalogue, const SealedFiles& files)
    : disk_(disk), directory_(std::move(directory)), lanes_(lanes), salt_(salt_of(catalogue.epoch)), merge_bytes_max_(merge_bytes_max),
      catalogue_(std::move(catalogue)), files_(files) {}

Result<CatalogueChange> Sealer::seal(const FullSegment& full, const std::vector<TopicSpec>& topics, const std::atomic<bool>& stop) {
  TM_ASSERT(!stuck_ && full.segment.number == catalogue_.segment, "segments are sealed in their order");
  Round round(*this, full, topics, stop);
  auto change = round.run();
  Result<void> replaced;
  if (change) replaced = replace_catalogue(change->catalogue);
  if (change && replaced) return change;
  if (!stuck_) round.undo();
  return change ? replaced.take_error() : change.take_error();
}

Result<CatalogueChange> Sealer::cut(const std::vector<TopicSpec>& topics, std::optional<Time> now) {
  TM_ASSERT(!stuck_, "nothing is written beside a catalogue in doubt");
  CatalogueChange out;
  out.catalogue = catalogue_;
  const auto expired = expired_files(catalogue_, topics, now);
  if (expired.empty()) return out;
  std::vector<CataloguedFile> left;
  for (std::size_t i = 0; i < catalogue_.files.size(); ++i) {
    const CataloguedFile& known = catalogue_.files[i];
    if (!std::binary_search(expired.begin(), expired.end(), i)) {
      left.push_back(known);
      continue;
    }
    auto passed = pass(i, out);
    if (!passed && passed.error().code != Code::corrupt) return passed.take_error();
    (passed ? out.dropped : left).push_back(known);
  }
  if (out.dropped.empty()) return out;
  out.catalogue.files = std::move(left);
  if (auto done = replace_catalogue(out.catalogue); !done) return done.take_error();
  return out;
}

Result<void> Sealer::begin_at(const std::map<PartitionKey, std::uint64_t>& firsts) {
  if (stuck_) return make_error(Code::unavailable, "a catalogue may or may not have been replaced: the next start can tell");
  Catalogue next = catalogue_;
  for (const auto& [key, first] : firsts) next.ranges[key] = {first, first};
  return replace_catalogue(next);
}

/// Moves the begins behind a file that is to go. A damaged one may go all the same, lest its topics grow for ever: the next
/// file of a topic begins where it ends. corrupt, with no begin moved: that one is damaged too.
Result<void> Sealer::pass(std::size_t at, CatalogueChange& change) const {
  auto ranges = change.catalogue.ranges;
  const CataloguedFile& known = catalogue_.files[at];
  if (auto file = files_.open(known)) {
    for (const SealedPartition& p : (*file)->partitions()) {
      if (p.entries > 0) ranges[p.key].begin = p.end;
    }
  } else {
    if (file.error().code != Code::corrupt) return file.take_error();
    change.damage.push_back(file.take_error());
    for (const auto& [topic, ignored] : known.topic_bytes) {
      const auto next = std::find_if(catalogue_.files.begin() + static_cast<std::ptrdiff_t>(at) + 1, catalogue_.files.end(),
                                     [topic = topic](const CataloguedFile& f) { return f.topic_bytes.contains(topic); });
      if (next == catalogue_.files.end()) {
        for (auto& [key, range] : ranges) range.begin = key.first == topic ? range.end : range.begin;
        continue;
      }
      auto behind = files_.open(*next);
      if (!behind) return behind.take_error();
      for (const SealedPartition& p : (*behind)->partitions()) {
        if (p.key.first == topic) ranges[p.key].begin = p.first;
      }
    }
  }
  change.catalogue.ranges = std::move(ranges);
  return {};
}

Result<void> Sealer::replace_catalogue(const Catalogue& next) {
  const std::string path = directory_ + "/" + std::string(kCatalogueName), temporary = path + ".new";
  auto file = disk_.open(temporary, true);
  if (!file) return file.take_error();
  if (auto done = (*file)->truncate(0); !done) return done;
  if (auto done = (*file)->pwrite(0, render_catalogue(next)); !done) return done;
  if (auto done = (*file)->sync(); !done) return done;
  stuck_ = true;  // until all of it has succeeded, nobody knows which one a crash would leave
  if (auto done = disk_.rename(temporary, path); !done) return done;
  if (auto done = disk_.sync_directory(directory_); !done) return done;
  stuck_ = false;
  catalogue_ = next;
  return {};
}

}  // namespace tidemark::log
