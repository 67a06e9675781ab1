#include "core/runtime/projection_fold.hpp"

#include <algorithm>

#include "core/base/mutation.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kEventsPerWrite = 1024;
constexpr std::size_t kEventsPerBulkTurn = 16'384;
constexpr std::uint64_t kEventsWorthAThread = 65'536;

/// Nothing that a failed event has written stays.
Result<void> apply_apart(const Projection& projection, const EventSource& from, const event::Event& event, RowWriter& rows) {
  store::Overlay own(rows);
  if (auto done = projection.apply_from(from, event, own); !done) return done;
  for (const auto& [key, value] : own.changes()) {
    if (value) rows.put(key, *value);
    else rows.erase(key);
  }
  return {};
}

}  // namespace

Result<void> ProjectionFold::open(const std::vector<SkippedEvent>& skips, std::size_t bulk_bytes) {
  auto checkpoints = store_->checkpoints();
  if (!checkpoints) return checkpoints.take_error();
  auto same = store_matches_log(*store_, source_.topics, source_.log);
  if (!same) return same.take_error();
  if (!*same || checkpoints->empty()) {
    if (auto cleared = store_->clear(); !cleared) return cleared;
    checkpoints->clear();
  }
  bulk_bytes_ = bulk_bytes;
  std::uint64_t due = 0;
  for (std::size_t t = 0; t < source_.topics.size(); ++t) {
    const OpenTopic& topic = source_.topics[t];
    for (std::uint32_t lane = 0; lane < source_.log.lanes(); ++lane) {
      const auto found = checkpoints->find(store::CheckpointKey{topic.spec.name, LaneId{lane}});
      Tmseq from = found != checkpoints->end() ? found->second.next : Tmseq{0};
      if (TM_MUTANT(skip_after_restart) && from.value > 0) from = from.next();
      auto cursor = follow(source_.log, topic, LaneId{lane}, from);
      if (!cursor) return cursor.take_error();
      const Tmseq end = source_.log.end(topic.id, LaneId{lane});
      if (cursor->next() < end) due += end.value - cursor->next().value;
      partitions_.push_back(Partition{t, LaneId{lane}, std::move(*cursor), end, 0, {}});
    }
  }
  if (checkpoints->empty() && due > 0) bulk_ = std::make_unique<store::BulkRows>(*store_, bulk_bytes);
  if (bulk_ && due >= kEventsWorthAThread) ahead_ = std::make_shared<ReadAhead>();
  take_skips(skips);
  return {};
}

/// Applies events of the partition until `end`, a poison event, or so many. How many it has passed; nullopt when an event
/// threw that was not applied apart: the rows may hold a part of it.
Result<std::optional<std::size_t>> ProjectionFold::fold(Partition& partition, Tmseq end, std::size_t events_max, RowWriter& rows, Care care) {
  const std::string& topic = source_.topics[partition.topic].spec.name;
  const EventSource from{topic, partition.lane};
  std::size_t passed = 0;
  try {
    for (; passed < events_max && partition.cursor.next() < end; ++passed) {
      auto head = partition.cursor.peek();
      if (!head) return head.take_error();
      if (*head == nullptr) break;
      const event::Event& event = **head;
      const bool skipped = !partition.skips.empty() && partition.skips.contains(partition.cursor.next());
      if (!skipped) {
        Result<void> done;
        try {
          done = care == Care::apart ? apply_apart(*source_.projection, from, event, rows) : source_.projection->apply_from(from, event, rows);
        } catch (const RowsUnavailable&) {
          throw;
        } catch (const std::exception& error) {
          if (care != Care::apart) return std::optional<std::size_t>();
          done = make_error(Code::internal, std::string("the projection threw: ") + error.what());
        }
        if (!done) {
          partition.fault = ProjectionFault{topic, partition.lane, partition.cursor.next(), event.envelope.id, done.take_error()};
          break;
        }
      }
      partition.cursor.pop();
    }
  } catch (const RowsUnavailable& error) {
    return make_error(Code::internal, "rows of projection " + source_.name() + ": " + error.what());
  }
  return std::optional(passed);
}

std::pair<store::CheckpointKey, store::Checkpoint> ProjectionFold::checkpoint(const Partition& partition) const {
  return {{source_.topics[partition.topic].spec.name, partition.lane},
          {source_.log.epoch(), partition.cursor.next(), partition.cursor.last_id()}};
}

Result<bool> ProjectionFold::bulk_some() {
  if (!bulk_) return false;
  const auto unread = [](const Partition& p) { return !p.fault && p.cursor.next() < p.bulk_end; };
  const auto partition = std::find_if(partitions_.begin(), partitions_.end(), unread);
  if (partition == partitions_.end()) return false;
  if (ahead_ && read_ahead_ != &*partition) {
    read_ahead_ = &*partition;
    partition->cursor.read_ahead(ahead_, partition->bulk_end);
  }
  auto passed = fold(*partition, partition->bulk_end, kEventsPerBulkTurn, *bulk_, bulk_care_);
  if (!passed) return passed.take_error();
  if (!*passed) {
    if (auto again = restart_bulk(); !again) return again.take_error();
    return true;
  }
  if (bulk_->full()) {
    if (auto spilled = bulk_->spill(); !spilled) return spilled.take_error();
  }
  return std::any_of(partitions_.begin(), partitions_.end(), unread);
}

/// From nothing once more, with care: what lies in the rows of an event that threw cannot be told from the rest.
Result<void> ProjectionFold::restart_bulk() {
  bulk_.reset();
  if (auto cleared = store_->clear(); !cleared) return cleared;
  for (auto& partition : partitions_) {
    if (auto rewound = rewind(partition, Tmseq{0}, 0); !rewound) return rewound;
    partition.fault.reset();
  }
  bulk_ = std::make_unique<store::BulkRows>(*store_, bulk_bytes_);
  bulk_care_ = Care::apart;
  read_ahead_ = nullptr;
  return {};
}

Result<void> ProjectionFold::rewind(Partition& partition, Tmseq to, std::uint64_t cut_before) {
  auto cursor = follow(source_.log, source_.topics[partition.topic], partition.lane, to);
  if (!cursor) return cursor.take_error();
  partition.cursor = std::move(*cursor);
  partition.cut_before = cut_before;
  return {};
}

Result<void> ProjectionFold::finish_bulk() {
  if (!bulk_) return {};
  store::Checkpoints checkpoints;
  for (const auto& partition : partitions_) {
    if (!partition.cursor.last_id().empty()) checkpoints.push_back(checkpoint(partition));
  }
  auto complete = bulk_->spill(checkpoints);
  bulk_.reset();
  for (auto& partition : partitions_) partition.cursor.read_alone();
  ahead_.reset();
  return complete;
}

Result<bool> ProjectionFold::apply_some(std::size_t index) {
  Partition& partition = partitions_[index];
  const Tmseq end = source_.log.end(source_.topics[partition.topic].id, partition.lane);
  if (partition.fault || !(partition.cursor.next() < end)) return false;
  const Tmseq from = partition.cursor.next();
  const std::uint64_t cut_before = cut(index);
  store::Overlay overlay(*store_);
  auto folded = fold(partition, end, kEventsPerWrite, overlay, Care::together);
  if (folded.ok() && !*folded) {
    overlay.clear();
    if (auto rewound = rewind(partition, from, cut_before); !rewound) return rewound.take_error();
    folded = fold(partition, end, kEventsPerWrite, overlay, Care::apart);
  }
  if (!folded) return folded.take_error();
  const std::size_t passed = **folded;
  if (passed > 0) {
    store::Checkpoints checkpoints{checkpoint(partition)};
    if (TM_MUTANT(forget_projection_checkpoint)) checkpoints.clear();
    if (auto written = store_->write(overlay, checkpoints); !written) return written.take_error();
    unflushed_records_ += passed;
  }
  return passed == kEventsPerWrite && !partition.fault;
}

Result<void> ProjectionFold::flush_when_due(const NodeOptions& options) {
  if (store_->unflushed_bytes() < options.store_flush_bytes && unflushed_records_ < options.store_flush_records) return {};
  unflushed_records_ = 0;
  return store_->flush();
}

bool ProjectionFold::take_skips(const std::vector<SkippedEvent>& skips) {
  bool resumed = false;
  for (auto& partition : partitions_) {
    for (const auto& skip : skips) {
      if (skip.lane != partition.lane || skip.topic != source_.topics[partition.topic].spec.name) continue;
      partition.skips.insert(skip.at);
      if (!partition.fault || partition.fault->at != skip.at) continue;
      partition.fault.reset();
      resumed = true;
    }
  }
  return resumed;
}

void ProjectionFold::clear_faults() {
  for (auto& partition : partitions_) partition.fault.reset();
}

}  // namespace tidemark::runtime
