#include "core/log/embedded/sealed_writer.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/log/record_batch.hpp"

namespace tidemark::log {
namespace {

constexpr std::size_t kPartWaitingMax = 256u << 10;
constexpr std::size_t kWaitingMax = 8u << 20;
constexpr std::size_t kSyncBytes = 8u << 20;  // in small steps: one large sync would hold up the commits on the same disk

}  // namespace

bool SealedWriter::expect(PartitionKey key, std::uint64_t first, std::uint64_t end, std::uint32_t entries, std::uint64_t bytes) {
  const auto [at, is_new] = parts_.try_emplace(key);
  SealedPartition& plan = at->second.plan;
  if (is_new) {
    plan.key = key;
    plan.first = plan.end = at->second.next = first;
  }
  if (plan.end != first) return false;
  plan.end = end;
  plan.entries += entries;
  plan.bytes += bytes;
  batch_bytes_ += bytes;
  return true;
}

Result<void> SealedWriter::create() {
  std::uint64_t at = kSealedHeaderSize;
  for (auto& [key, part] : parts_) {
    part.plan.offset = at;
    at += part.plan.bytes;
  }
  auto file = disk_->open(path_, true);
  if (!file) return file.take_error();
  file_ = std::move(*file);
  return file_->truncate(0);
}

Result<void> SealedWriter::add(PartitionKey key, const SealedEntry& entry, std::string_view batch) {
  Part& part = parts_.at(key);
  SealedPartition& plan = part.plan;
  const std::uint64_t offset = plan.offset + part.added;
  TM_ASSERT(part.added + batch.size() <= plan.bytes && part.next + entry.count <= plan.end, "a sealed file gets what it was laid out for");
  if (plan.points.empty() || offset - plan.points.back().offset >= kSealedPointBytes) plan.points.push_back({part.next, offset});
  append(entry, part.checksums);
  const BatchTimes times = batch_times(batch);
  from_ms_ = std::min(from_ms_, std::max<std::int64_t>(times.first_ms, 0));
  to_ms_ = std::max(to_ms_, times.latest_ms);
  part.waiting += batch;
  part.added += batch.size();
  part.next += entry.count;
  waiting_ += batch.size();
  if (part.waiting.size() >= kPartWaitingMax) return write(part);
  return waiting_ >= kWaitingMax ? write_all() : Result<void>();
}

Result<void> SealedWriter::write(Part& part) {
  if (part.waiting.empty()) return {};
  if (auto done = file_->pwrite(part.plan.offset + part.added - part.waiting.size(), part.waiting); !done) return done;
  waiting_ -= part.waiting.size();
  unsynced_ += part.waiting.size();
  part.waiting.clear();
  if (unsynced_ < kSyncBytes) return {};
  unsynced_ = 0;
  return file_->sync();
}

Result<void> SealedWriter::write_all() {
  for (auto& [key, part] : parts_) {
    if (auto done = write(part); !done) return done;
  }
  return {};
}

Result<CataloguedFile> SealedWriter::finish(std::uint64_t first_commit, std::uint64_t last_commit, std::uint32_t last_crc, std::uint32_t salt) {
  if (auto done = write_all(); !done) return done.take_error();
  CataloguedFile out;
  SealedHeader header{first_commit, last_commit, last_crc, salt, 0, kSealedHeaderSize + batch_bytes_};
  std::string rest;
  for (const auto& [key, part] : parts_) {
    TM_ASSERT(part.added == part.plan.bytes && part.next == part.plan.end, "a sealed file gets all that it was laid out for");
    header.entries += part.plan.entries;
    if (part.plan.bytes > 0) out.topic_bytes[key.first] += part.plan.bytes;
    append(part.plan, rest);
  }
  SealedFooter footer;
  footer.index_crc = crc32c(rest);
  for (const auto& [key, part] : parts_) {
    footer.checksums_crc = crc32c(part.checksums, footer.checksums_crc);
    rest += part.checksums;
  }
  const std::string head = encode(header);
  footer.header_crc = get_u32_le(head.data() + kSealedHeaderSize - 4);
  footer.size = header.index_at + rest.size() + kSealedFooterSize;
  const std::string foot = encode(footer);
  rest += foot;
  if (auto done = file_->pwrite(header.index_at, rest); !done) return done.take_error();
  if (auto done = file_->pwrite(0, head); !done) return done.take_error();
  if (auto done = file_->sync(); !done) return done.take_error();
  out.first_commit = first_commit;
  out.last_commit = last_commit;
  out.size = footer.size;
  out.footer_crc = get_u32_le(foot.data() + kSealedFooterSize - 4);
  out.from_ms = std::min(from_ms_, to_ms_);
  out.to_ms = to_ms_;
  return out;
}

}  // namespace tidemark::log
