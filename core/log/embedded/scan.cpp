#include "core/log/embedded/scan.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "core/base/ids.hpp"

namespace tidemark::log {
namespace {

constexpr std::uint64_t kUnknown = ~std::uint64_t{0};  // end of a partition behind damage
constexpr std::size_t kBodySegments = 3;               // Depth::open reads bodies in the last used, its neighbour and the prepared one
constexpr std::size_t kScanStep = 256u << 10;

std::string place(std::uint64_t segment, std::uint64_t offset) {
  return "segment " + std::to_string(segment) + " offset " + std::to_string(offset);
}

enum class FrameState { whole, none, broken, wrong };

struct FrameCheck {
  FrameState state = FrameState::none;
  std::string why;
  Code code = Code::corrupt;
  FrameHeader header;
};

class Inspector {
 public:
  Inspector(Disk& disk, const std::string& directory, Depth depth, const FrameVisit& visit)
      : disk_(disk), directory_(directory), depth_(depth), visit_(visit) {}

  Result<Inspection> run() {
    if (auto done = read_meta(); !done) return done.take_error();
    if (auto done = read_catalogue(); !done) return done.take_error();
    if (auto done = read_tail(); !done) return done.take_error();
    if (auto done = open_segments(); !done) return done.take_error();
    if (stopped()) return std::move(out_);
    if (auto done = read_frames(); !done) return done.take_error();
    if (!stopped()) check_witnesses();
    return std::move(out_);
  }

 private:
  bool stopped() const { return depth_ == Depth::open && !out_.damage.empty(); }
  void damaged(std::uint64_t segment, std::uint64_t offset, const std::string& why, Code code = Code::corrupt) {
    out_.damage.push_back(make_error(code, place(segment, offset) + ": " + why));
  }

  Result<void> read_meta() {
    auto bytes = read_file(disk_, directory_ + "/meta");
    if (!bytes) return bytes.take_error();
    auto meta = parse_meta(*bytes);
    if (!meta) return meta.take_error();
    out_.bytes += bytes->size();
    out_.meta = std::move(*meta);
    out_.next.assign(out_.meta.topics.size() * out_.meta.lanes, 0);
    salt_ = salt_of(out_.meta.epoch);
    return {};
  }

  Result<void> read_catalogue() {
    out_.catalogue.epoch = out_.meta.epoch;
    auto bytes = read_file(disk_, directory_ + "/" + std::string(kCatalogueName));
    if (!bytes) return bytes.error().code == Code::not_found ? Result<void>() : bytes.take_error();
    auto catalogue = parse_catalogue(*bytes);
    if (!catalogue) return catalogue.take_error();
    out_.bytes += bytes->size();
    const auto contradiction = [](const std::string& why) { return make_error(Code::corrupt, std::string(kCatalogueName) + ": " + why); };
    if (catalogue->epoch != out_.meta.epoch) return contradiction("it belongs to another journal");
    for (const auto& [key, range] : catalogue->ranges) {
      if (key.first >= out_.meta.topics.size() || key.second >= out_.meta.lanes) return contradiction("it names a topic or lane that meta does not declare");
      out_.next[std::size_t{key.first} * out_.meta.lanes + key.second] = range.end;
    }
    for (const CataloguedFile& file : catalogue->files) {
      if (file.topic_bytes.rbegin()->first >= out_.meta.topics.size()) return contradiction("it names a topic that meta does not declare");
    }
    out_.commit = catalogue->commit;
    out_.crc = catalogue->crc;
    out_.catalogue = std::move(*catalogue);
    return {};
  }

  Result<void> read_tail() {
    auto bytes = read_file(disk_, directory_ + "/tail");
    if (!bytes) {
      if (bytes.error().code != Code::not_found) return bytes.take_error();
      out_.notes.push_back("the file tail is missing: one witness less");
      return {};
    }
    out_.bytes += bytes->size();
    if (bytes->size() != kTailFileSize) out_.notes.push_back("tail: it has " + std::to_string(bytes->size()) + " bytes instead of " + std::to_string(kTailFileSize));
    bytes->resize(kTailFileSize, '\0');
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t behind = kTailSlotAt[i] + kTailSlotSize;
      const std::size_t next = i == 0 ? kTailSlotAt[1] : kTailFileSize;
      if (!all_zero(std::string_view(*bytes).substr(behind, next - behind))) out_.notes.push_back("tail: bytes behind the slot at " + std::to_string(kTailSlotAt[i]) + " are not zero");
    }
    for (const std::size_t at : kTailSlotAt) {
      const auto slot_bytes = std::string_view(*bytes).substr(at, kTailSlotSize);
      if (const auto slot = decode_tail_slot(slot_bytes, salt_)) tails_.push_back(*slot);
      else if (!all_zero(slot_bytes)) out_.notes.push_back("tail: the slot at " + std::to_string(at) + " does not fit its checksum");
    }
    return {};
  }

  Result<void> open_segments() {
    auto names = disk_.list(directory_);
    if (!names) return names.take_error();
    std::vector<std::uint64_t> numbers;
    std::set<std::string> sealed;
    for (const CataloguedFile& file : out_.catalogue.files) sealed.insert(file.name());
    for (const auto& name : *names) {
      const auto number = parse_segment_name(name);
      if (number && *number >= out_.catalogue.segment) numbers.push_back(*number);
      else if (number || name.ends_with(kSealedSuffix) || name.ends_with(std::string(kSealedSuffix) + ".new")) {
        if (sealed.erase(name) == 0) out_.leftovers.push_back(name);
      }
    }
    if (depth_ == Depth::all) sealed.clear();  // whoever wants all reads them anyway
    for (const auto& name : sealed) out_.damage.push_back(make_error(Code::corrupt, "file " + name + " offset 0: the file is missing"));
    if (stopped()) return {};
    std::sort(numbers.begin(), numbers.end());
    std::uint64_t expected = out_.catalogue.segment;
    for (const std::uint64_t number : numbers) {
      for (; expected < number; ++expected) damaged(expected, 0, "the file is missing");
      ++expected;
      if (stopped()) return {};
      const std::string path = directory_ + "/" + segment_name(number);
      auto file = depth_ == Depth::open ? disk_.open(path, false) : disk_.open_read(path);
      if (!file) return file.take_error();
      auto size = (*file)->size();
      if (!size) return size.take_error();
      auto bytes = (*file)->pread(0, kSegmentHeaderSize);
      if (!bytes) return bytes.take_error();
      const auto header = decode_segment_header(*bytes);
      if (!header) damaged(number, 0, "the segment header does not fit its checksum");
      else if (header->number != number) damaged(number, 0, "the file is that of segment " + std::to_string(header->number));
      else if (header->epoch != out_.meta.epoch) damaged(number, 0, "the file belongs to another journal");
      else if (header->size != *size) {
        damaged(number, std::min(header->size, *size), "the file has " + std::to_string(*size) + " bytes instead of " + std::to_string(header->size));
      }
      if (stopped()) return {};
      out_.segments.push_back(Segment{number, *size, std::shared_ptr<File>(std::move(*file))});
    }
    if (numbers.empty()) damaged(expected, 0, "the file is missing");
    out_.ends.resize(out_.segments.size());
    return {};
  }

  struct Position {
    std::size_t index = 0;
    std::uint64_t at = kSegmentHeaderSize;
  };

  Result<void> read_frames() {
    for (const Segment& segment : out_.segments) out_.bytes += segment.size;
    if (out_.segments.empty()) return {};
    for (std::optional<Position> position{Position{}}; position && !given_up_;) {
      auto end = read_chain(*position);
      if (!end) return end.take_error();
      if (stopped() || given_up_) return {};
      auto next = judge_end(Position{position->index, *end});
      if (!next) return next.take_error();
      if (stopped()) return {};
      position = *next;
    }
    return {};
  }

  /// Follows frames from `position` until one is not whole; returns where.
  Result<std::uint64_t> read_chain(Position position) {
    const Segment& segment = out_.segments[position.index];
    const bool bodies = depth_ == Depth::all || position.index + kBodySegments >= out_.segments.size();
    SegmentWindow window(*segment.file);
    for (std::uint64_t at = position.at;;) {
      auto check = check_frame(segment, window, at, bodies);
      if (!check) return check.take_error();
      why_ = check->why;
      if (check->state == FrameState::wrong) {
        damaged(segment.number, at, check->why, check->code);
        given_up_ = check->header.version != kJournalVersion || check->header.durable + 1 != check->header.commit;
        if (stopped() || given_up_) return at;
        go_on_with(check->header);
        continue;
      }
      if (check->state != FrameState::whole) return at;
      accept(position.index, at, check->header, bodies ? frame_bytes_ : std::string_view());
      if (stopped()) return at;
      at += check->header.length;
    }
  }

  Result<FrameCheck> check_frame(const Segment& segment, SegmentWindow& window, std::uint64_t at, bool bodies) {
    FrameCheck check;
    if (at + kFrameHeaderSize > segment.size) return check;
    auto bytes = window.view(at, kFrameHeaderSize);
    if (!bytes) return bytes.take_error();
    const auto header = decode_frame_header(*bytes, segment.number, at, salt_);
    if (!header) {
      if (!all_zero(*bytes)) check.why = "no valid frame header";
      return check;
    }
    check.header = *header;
    check.state = FrameState::wrong;
    if (header->version != kJournalVersion) {
      check.code = Code::unsupported_version;
      check.why = "a frame of format version " + std::to_string(header->version) + ", written by a newer build";
      return check;
    }
    if (header->commit != out_.commit + 1 || header->previous_crc != out_.crc || header->durable != out_.commit) {
      // A torn write cannot make a header whose checksum fits: something is missing, swapped or older than the rest.
      check.why = "commit " + std::to_string(header->commit) + " does not follow commit " + std::to_string(out_.commit);
      return check;
    }
    check.state = FrameState::broken;
    const std::uint64_t directory_end = kFrameHeaderSize + std::uint64_t{header->entries} * kEntrySize;
    if (header->length % kFrameAlign != 0 || header->entries == 0 || header->length <= directory_end || at + header->length > segment.size) {
      check.why = "the frame's length does not fit";
      return check;
    }
    auto frame = window.view(at, bodies ? header->length : directory_end);
    if (!frame) return frame.take_error();
    if (frame->size() < (bodies ? header->length : directory_end)) {
      check.why = "the file ends inside the frame";
      return check;
    }
    if (crc32c(frame->substr(kFrameHeaderSize, directory_end - kFrameHeaderSize)) != header->directory_crc) {
      check.why = "the frame's directory does not fit its checksum";
      return check;
    }
    entries_.clear();
    std::uint64_t expected = directory_end;
    for (std::uint32_t i = 0; i < header->entries; ++i) {
      const char* entry_at = frame->data() + kFrameHeaderSize + i * kEntrySize;
      const FrameEntry entry = decode_frame_entry(entry_at);
      if (!reserved_is_zero(entry_at) || entry.offset != expected || entry.count == 0 || expected + entry.length > header->length) {
        check.why = "the frame's directory contradicts itself";
        return check;
      }
      if (bodies && crc32c(frame->substr(entry.offset, entry.length)) != entry.crc) {
        check.why = "entry " + std::to_string(i) + " at " + place(segment.number, at + entry.offset) + " does not fit its checksum";
        return check;
      }
      expected += entry.length;
      entries_.push_back(entry);
    }
    if (align_up(expected) != header->length || (bodies && !all_zero(frame->substr(expected)))) {
      check.why = "the frame's padding is not zero";
      return check;
    }
    frame_bytes_ = *frame;
    check.state = FrameState::whole;
    return check;
  }

  void accept(std::size_t index, std::uint64_t at, const FrameHeader& header, std::string_view bytes) {
    const std::uint64_t segment = out_.segments[index].number;
    for (const FrameEntry& entry : entries_) {
      const std::size_t partition = std::size_t{entry.topic} * out_.meta.lanes + entry.lane;
      if (entry.topic >= out_.meta.topics.size() || entry.lane >= out_.meta.lanes) {
        damaged(segment, at, "an entry of topic " + std::to_string(entry.topic) + " lane " + std::to_string(entry.lane) + ", which meta does not declare");
        return;
      }
      std::uint64_t& next = out_.next[partition];
      if (next != kUnknown && next != entry.first) {
        damaged(segment, at, "topic " + out_.meta.topics[entry.topic].name + " lane " + std::to_string(entry.lane) + " goes on at " +
                                 std::to_string(entry.first) + " instead of " + std::to_string(next));
        if (stopped()) return;
      }
      next = entry.first + entry.count;
    }
    visit_(out_, FoundFrame{header, entries_, bytes});
    out_.commit = header.commit;
    out_.crc = header.crc;
    out_.current = index;
    out_.ends[index] = {header.commit, header.crc};
    out_.last_frame = at;
    out_.end = at + header.length;
    for (const TailSlot& tail : tails_) {
      if (tail.commit == header.commit && tail.crc != header.crc) {
        damaged(segment, at, "commit " + std::to_string(header.commit) + " is not the one that tail calls durable");
      }
    }
  }

  /// Behind damage: the chain is taken up again at `header`.
  void go_on_with(const FrameHeader& header) {
    out_.commit = header.commit - 1;
    out_.crc = header.previous_crc;
    std::fill(out_.next.begin(), out_.next.end(), kUnknown);
  }

  /// Frames end at `end`. Returns where they go on, in the next segment or behind damage; nothing at the end of the journal.
  Result<std::optional<Position>> judge_end(Position end) {
    const Segment& segment = out_.segments[end.index];
    auto behind = look_behind(end);
    if (!behind) return behind.take_error();
    auto follows = next_segment_follows(end.index);
    if (!follows) return follows.take_error();
    if (*follows) {
      if (behind->to != 0) damaged(segment.number, behind->from, "bytes that are not zero behind the last frame of a full segment");
      return std::optional<Position>(Position{end.index + 1, kSegmentHeaderSize});
    }
    std::vector<TornRange> torn;
    for (std::size_t index = end.index;;) {
      if (behind->header) {
        damaged(segment.number, end.at, (why_.empty() ? "a frame is missing" : why_) + ", though it was durable: " +
                                            place(out_.segments[index].number, behind->header->offset) + " holds commit " +
                                            std::to_string(behind->header->commit));
        go_on_with(*behind->header);
        return std::optional<Position>(Position{index, behind->header->offset});
      }
      if (behind->to != 0) torn.push_back(TornRange{index, behind->from, behind->to});
      if (++index == out_.segments.size()) break;
      behind = look_behind(Position{index, kSegmentHeaderSize});
      if (!behind) return behind.take_error();
    }
    ended_at_ = {segment.number, end.at};
    if (out_.current != end.index) {  // only a torn first frame in this segment
      out_.current = end.index;
      out_.last_frame = 0;
    }
    out_.end = end.at;
    out_.torn = std::move(torn);
    return std::optional<Position>();
  }

  Result<bool> next_segment_follows(std::size_t index) {
    if (index + 1 == out_.segments.size()) return false;
    const Segment& next = out_.segments[index + 1];
    auto bytes = next.file->pread(kSegmentHeaderSize, kFrameHeaderSize);
    if (!bytes) return bytes.take_error();
    const auto header = decode_frame_header(*bytes, next.number, kSegmentHeaderSize, salt_);
    return header && header->commit == out_.commit + 1 && header->previous_crc == out_.crc;
  }

  struct Behind {
    std::optional<FrameHeader> header;  // the first that proves a commit behind out_.commit durable
    std::uint64_t from = 0, to = 0;     // extent of what is not zero; to == 0: all is
  };
  /// A valid header proves the commit before it durable, whether its own frame is whole or not.
  Result<Behind> look_behind(Position position) {
    const Segment& segment = out_.segments[position.index];
    SegmentWindow window(*segment.file);
    Behind out;
    for (std::uint64_t at = position.at; at < segment.size; at += kScanStep) {
      auto bytes = window.view(at, static_cast<std::size_t>(std::min<std::uint64_t>(kScanStep, segment.size - at)));
      if (!bytes) return bytes.take_error();
      if (all_zero(*bytes)) continue;
      for (std::size_t i = 0; i < bytes->size(); i += kFrameAlign) {
        const auto line = bytes->substr(i, kFrameAlign);
        if (all_zero(line)) continue;
        if (out.to == 0) out.from = at + i;
        out.to = at + i + line.size();
        const auto header = decode_frame_header(line, segment.number, at + i, salt_);
        if (header && header->durable > out_.commit && header->durable + 1 == header->commit) {
          out.header = header;
          return out;
        }
      }
    }
    return out;
  }

  void check_witnesses() {
    for (const TailSlot& tail : tails_) {
      if (tail.commit == out_.catalogue.commit && tail.commit != 0 && tail.crc != out_.catalogue.crc) {
        out_.damage.push_back(make_error(Code::corrupt, "catalogue: commit " + std::to_string(tail.commit) + " is not the one that tail calls durable"));
      }
      if (tail.commit > out_.commit) {
        damaged(ended_at_.first, ended_at_.second, (why_.empty() ? "frames are missing" : why_) + ", though tail calls commit " +
                                                        std::to_string(tail.commit) + " durable (segment " + std::to_string(tail.segment) + ")");
        return;
      }
    }
    for (const TornRange& torn : out_.torn) {
      out_.notes.push_back(place(out_.segments[torn.segment].number, torn.from) + ": a torn tail up to offset " + std::to_string(torn.to) +
                           " that no witness calls durable");
    }
  }

  Disk& disk_;
  const std::string& directory_;
  Depth depth_;
  const FrameVisit& visit_;
  Inspection out_;
  std::uint32_t salt_ = 0;
  std::vector<TailSlot> tails_;
  std::vector<FrameEntry> entries_;
  std::string_view frame_bytes_;
  std::string why_;
  bool given_up_ = false;  // a frame that cannot be read behind
  std::pair<std::uint64_t, std::uint64_t> ended_at_{0, 0};
};

}  // namespace

Result<Inspection> inspect_journal(Disk& disk, const std::string& directory, Depth depth, const FrameVisit& visit) {
  return Inspector(disk, directory, depth, visit).run();
}

}  // namespace tidemark::log
