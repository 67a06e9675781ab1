#include "core/log/embedded/sealed_file.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/log/embedded/segment_file.hpp"
#include "core/log/record_batch.hpp"

namespace tidemark::log {
namespace {

constexpr std::uint64_t kPieceBytesMax = 4u << 20;  // one pread, unless a single batch is larger

}  // namespace

Error SealedFile::damage(std::uint64_t offset, const std::string& why) const {
  return make_error(Code::corrupt, "file " + name_ + " offset " + std::to_string(offset) + ": " + why);
}

Result<std::shared_ptr<const SealedFile>> SealedFile::open(Disk& disk, const std::string& directory, const CataloguedFile& known, std::uint32_t salt) {
  auto out = std::shared_ptr<SealedFile>(new SealedFile);
  out->name_ = known.name();
  auto file = disk.open_read(directory + "/" + out->name_);
  if (!file) return file.error().code == Code::not_found ? out->damage(0, "the file is missing") : file.take_error();
  out->file_ = std::move(*file);
  auto size = out->file_->size();
  if (!size) return size.take_error();
  if (*size != known.size) {
    return out->damage(std::min(*size, known.size), "the file has " + std::to_string(*size) + " bytes instead of " + std::to_string(known.size));
  }
  const std::uint64_t footer_at = known.size - std::min<std::uint64_t>(known.size, kSealedFooterSize);
  auto footer_bytes = out->file_->pread(footer_at, kSealedFooterSize);
  if (!footer_bytes) return footer_bytes.take_error();
  const auto footer = decode_sealed_footer(*footer_bytes);
  if (!footer) return out->damage(footer_at, "the footer does not fit its checksum");
  if (footer->crc != known.footer_crc || footer->size != known.size) return out->damage(footer_at, "the file is not the one that the catalogue names");
  auto header_bytes = out->file_->pread(0, kSealedHeaderSize);
  if (!header_bytes) return header_bytes.take_error();
  const auto header = decode_sealed_header(*header_bytes);
  if (!header || get_u32_le(header_bytes->data() + kSealedHeaderSize - 4) != footer->header_crc) {
    return out->damage(0, "the header does not fit its checksum");
  }
  if (header->salt != salt) return out->damage(0, "the file belongs to another journal");
  out->checksum_bytes_ = header->entries * kSealedEntrySize;
  if (header->index_at > footer_at || out->checksum_bytes_ > footer_at - header->index_at) return out->damage(0, "the header's sizes do not fit");
  out->checksums_at_ = footer_at - out->checksum_bytes_;
  out->checksums_crc_ = footer->checksums_crc;
  auto index = out->file_->pread(header->index_at, out->checksums_at_ - header->index_at);
  if (!index) return index.take_error();
  auto partitions = decode_sealed_index(*index, *header);
  if (!partitions || crc32c(*index) != footer->index_crc) return out->damage(header->index_at, "the index does not fit its checksum");
  out->partitions_ = std::move(*partitions);
  return std::shared_ptr<const SealedFile>(std::move(out));
}

const SealedPartition* SealedFile::find(PartitionKey key) const {
  const auto at = std::lower_bound(partitions_.begin(), partitions_.end(), key, [](const SealedPartition& p, PartitionKey k) { return p.key < k; });
  return at != partitions_.end() && at->key == key ? &*at : nullptr;
}

Result<std::vector<StoredBatch>> SealedFile::read(const SealedPartition& partition, std::uint64_t from, std::size_t bytes_max) const {
  // Points are at the begin of batches: what lies between two of them is whole.
  const auto& points = partition.points;
  auto behind = std::upper_bound(points.begin(), points.end(), from, [](std::uint64_t f, const SealedPoint& p) { return f < p.first; });
  const SealedPoint start = *(behind - 1);
  while (behind != points.end() && behind->offset - start.offset < std::min<std::uint64_t>(bytes_max, kPieceBytesMax)) ++behind;
  const std::uint64_t end = behind != points.end() ? behind->offset : partition.offset + partition.bytes;
  auto bytes = file_->pread(start.offset, static_cast<std::size_t>(end - start.offset));
  if (!bytes) return bytes.take_error();
  if (bytes->size() != end - start.offset) return damage(start.offset + bytes->size(), "the file ends inside a record batch");
  const auto piece = std::make_shared<const std::string>(std::move(*bytes));

  std::vector<StoredBatch> out;
  std::size_t taken = 0;
  std::uint64_t next = start.first;
  for (std::size_t at = 0; at < piece->size();) {
    // A batch that is passed over is only measured: had its header lied, the next one would not be at `next`.
    const auto extent = measure_batch(std::string_view(*piece).substr(at));
    if (!extent || extent->first != next) return damage(start.offset + at, "record batch: not the one that was written here");
    if (next + extent->count > from) {
      if (!out.empty() && taken + extent->size > bytes_max) break;
      StoredBatch batch{Tmseq{next}, extent->count, piece, at, extent->size};
      if (auto reader = RecordBatchReader::open(batch.view()); !reader) return damage(start.offset + at, reader.error().message);
      taken += extent->size;
      out.push_back(std::move(batch));
    }
    next += extent->count;
    at += extent->size;
  }
  if (out.empty()) return damage(start.offset, "record batch: not the one that was written here");
  return out;
}

Result<void> SealedFile::for_each(const Visit& visit) const {
  auto table = file_->pread(checksums_at_, static_cast<std::size_t>(checksum_bytes_));
  if (!table) return table.take_error();
  if (table->size() != checksum_bytes_ || crc32c(*table) != checksums_crc_) return damage(checksums_at_, "the checksums do not fit their own");
  SegmentWindow window(*file_);
  const char* at = table->data();
  for (const SealedPartition& partition : partitions_) {
    std::uint64_t offset = partition.offset, next = partition.first;
    for (std::uint32_t i = 0; i < partition.entries; ++i, at += kSealedEntrySize) {
      const SealedEntry entry = decode_sealed_entry(at);
      if (entry.length > partition.offset + partition.bytes - offset) return damage(offset, "the record batch leaves its partition");
      auto batch = window.view(offset, entry.length);
      if (!batch) return batch.take_error();
      if (batch->size() != entry.length || crc32c(*batch) != entry.crc) return damage(offset, "the record batch does not fit its checksum");
      if (auto done = visit(partition, entry, offset, *batch); !done) return done;
      offset += entry.length;
      next += entry.count;
    }
    if (offset != partition.offset + partition.bytes || next != partition.end) return damage(offset, "the checksums contradict the index");
  }
  return {};
}

}  // namespace tidemark::log
