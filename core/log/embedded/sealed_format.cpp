#include "core/log/embedded/sealed_format.hpp"

#include "core/base/bytes.hpp"
#include "core/log/embedded/layout.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kHeaderMagic = "TMSEALED";
constexpr std::string_view kFooterMagic = "TMSEALND";

void put_u16_le(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value));
  out.push_back(static_cast<char>(value >> 8));
}
std::uint16_t take_u16_le(ByteReader& in) {
  const std::uint16_t low = in.u8();
  return static_cast<std::uint16_t>(low | (in.u8() << 8));
}

/// Zeros up to the last four bytes of 64, then the checksum of what precedes.
std::string with_crc(std::string out) {
  out.resize(60, '\0');
  put_u32_le(out, crc32c(out));
  return out;
}

bool is_whole(std::string_view bytes, std::string_view magic) {
  return bytes.size() == 64 && bytes.substr(0, 8) == magic && crc32c(bytes.substr(0, 60)) == get_u32_le(bytes.data() + 60);
}

}  // namespace

std::string encode(const SealedHeader& header) {
  std::string out(kHeaderMagic);
  put_u16_le(out, kSealedVersion);
  out.append(6, '\0');
  put_u64_le(out, header.first_commit);
  put_u64_le(out, header.last_commit);
  put_u32_le(out, header.last_crc);
  put_u32_le(out, header.salt);
  put_u64_le(out, header.entries);
  put_u64_le(out, header.index_at);
  return with_crc(std::move(out));
}

std::optional<SealedHeader> decode_sealed_header(std::string_view bytes) {
  if (!is_whole(bytes, kHeaderMagic)) return std::nullopt;
  ByteReader in(bytes.substr(8));
  if (take_u16_le(in) != kSealedVersion || !all_zero(in.take(6))) return std::nullopt;
  SealedHeader header;
  header.first_commit = in.u64_le();
  header.last_commit = in.u64_le();
  header.last_crc = in.u32_le();
  header.salt = in.u32_le();
  header.entries = in.u64_le();
  header.index_at = in.u64_le();
  return header;
}

std::string encode(const SealedFooter& footer) {
  std::string out(kFooterMagic);
  put_u64_le(out, footer.size);
  put_u32_le(out, footer.index_crc);
  put_u32_le(out, footer.checksums_crc);
  put_u32_le(out, footer.header_crc);
  return with_crc(std::move(out));
}

std::optional<SealedFooter> decode_sealed_footer(std::string_view bytes) {
  if (!is_whole(bytes, kFooterMagic)) return std::nullopt;
  ByteReader in(bytes.substr(8));
  SealedFooter footer;
  footer.size = in.u64_le();
  footer.index_crc = in.u32_le();
  footer.checksums_crc = in.u32_le();
  footer.header_crc = in.u32_le();
  footer.crc = get_u32_le(bytes.data() + 60);
  return footer;
}

void append(const SealedPartition& partition, std::string& out) {
  const std::size_t begin = out.size();
  put_u16_le(out, partition.key.first);
  put_u16_le(out, partition.key.second);
  put_u32_le(out, partition.entries);
  put_u64_le(out, partition.first);
  put_u64_le(out, partition.end);
  put_u64_le(out, partition.offset);
  put_u64_le(out, partition.bytes);
  put_u32_le(out, static_cast<std::uint32_t>(partition.points.size()));
  std::string points;
  for (const SealedPoint& point : partition.points) {
    put_u64_le(points, point.first);
    put_u64_le(points, point.offset);
  }
  put_u32_le(out, crc32c(points, crc32c(std::string_view(out).substr(begin))));
  out += points;
}

std::optional<std::vector<SealedPartition>> decode_sealed_index(std::string_view bytes, const SealedHeader& header) {
  std::vector<SealedPartition> partitions;
  std::uint64_t at = kSealedHeaderSize, entries = 0;
  for (ByteReader in(bytes); in.left() > 0;) {
    const auto from = in.position();
    SealedPartition p;
    p.key.first = take_u16_le(in);
    p.key.second = take_u16_le(in);
    p.entries = in.u32_le();
    p.first = in.u64_le();
    p.end = in.u64_le();
    p.offset = in.u64_le();
    p.bytes = in.u64_le();
    const std::uint32_t points = in.u32_le();
    const std::uint32_t crc = in.u32_le();
    const auto point_bytes = in.take(std::size_t{points} * kSealedPointSize);
    if (!in.ok() || crc != crc32c(point_bytes, crc32c(bytes.substr(from, kSealedPartitionSize - 4)))) return std::nullopt;
    const bool empty = p.entries == 0;
    if (p.offset != at || p.end < p.first || empty != (p.first == p.end) || empty != (p.bytes == 0) || empty != (points == 0)) return std::nullopt;
    if (!partitions.empty() && p.key <= partitions.back().key) return std::nullopt;
    for (ByteReader point(point_bytes); point.left() > 0;) {
      const std::uint64_t first = point.u64_le(), offset = point.u64_le();
      const bool fits = p.points.empty() ? first == p.first && offset == p.offset
                                         : first > p.points.back().first && first < p.end && offset > p.points.back().offset && offset < at + p.bytes;
      if (!fits) return std::nullopt;
      p.points.push_back({first, offset});
    }
    at += p.bytes;
    entries += p.entries;
    partitions.push_back(std::move(p));
  }
  if (at != header.index_at || entries != header.entries) return std::nullopt;
  return partitions;
}

void append(const SealedEntry& entry, std::string& out) {
  put_u64_le(out, entry.commit);
  put_u32_le(out, entry.length);
  put_u32_le(out, entry.count);
  put_u32_le(out, entry.crc);
  put_u32_le(out, 0);
}

SealedEntry decode_sealed_entry(const char* at) {
  return SealedEntry{get_u64_le(at), get_u32_le(at + 8), get_u32_le(at + 12), get_u32_le(at + 16)};
}

std::string retention_class_of(const TopicSpec& spec, TopicId id) {
  std::string out(name_of(spec.topic_class));
  if (spec.topic_class == TopicClass::fact) return out;
  if (spec.retention) out += "-" + std::to_string(spec.retention->count());
  if (spec.retention_bytes) out += "-topic" + std::to_string(id.value);
  return out;
}

}  // namespace tidemark::log
