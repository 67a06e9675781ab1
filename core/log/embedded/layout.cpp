#include "core/log/embedded/layout.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/bytes.hpp"

namespace tidemark::log {
namespace {

constexpr std::string_view kSegmentMagic = "TMJOURNL";
constexpr std::string_view kFrameMagic = "TMJF";
constexpr std::string_view kTailMagic = "TMJTAIL\n";

template <class T>
void set_le(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<char>(value >> (8 * i));
}
std::uint16_t get_u16_le(const char* at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(at[0]) | (static_cast<unsigned char>(at[1]) << 8));
}
bool own_crc_fits(std::string_view bytes) {
  return crc32c(bytes.substr(0, bytes.size() - 4)) == get_u32_le(bytes.data() + bytes.size() - 4);
}
void set_own_crc(char* out, std::size_t size) { set_le(out + size - 4, crc32c(std::string_view(out, size - 4))); }

}  // namespace

std::uint32_t salt_of(const Uuid& epoch) { return crc32c(epoch.view()); }

std::string encode(const SegmentHeader& header) {
  std::string out(kSegmentHeaderSize, '\0');
  std::memcpy(out.data(), kSegmentMagic.data(), 8);
  set_le(out.data() + 8, kJournalVersion);
  set_le(out.data() + 16, header.number);
  set_le(out.data() + 24, header.size);
  std::memcpy(out.data() + 32, header.epoch.bytes.data(), 16);
  set_own_crc(out.data(), kSegmentHeaderSize);
  return out;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() != kSegmentHeaderSize || bytes.substr(0, 8) != kSegmentMagic || !own_crc_fits(bytes)) return std::nullopt;
  if (get_u16_le(bytes.data() + 8) != kJournalVersion) return std::nullopt;
  return SegmentHeader{get_u64_le(bytes.data() + 16), get_u64_le(bytes.data() + 24), uuid_from_bytes(bytes.substr(32, 16))};
}

std::uint32_t encode(const FrameHeader& header, char* out) {
  std::memcpy(out, kFrameMagic.data(), 4);
  set_le(out + 4, header.version);
  set_le(out + 6, std::uint16_t{0});
  set_le(out + 8, header.segment);
  set_le(out + 16, header.offset);
  set_le(out + 24, header.commit);
  set_le(out + 32, header.durable);
  set_le(out + 40, header.length);
  set_le(out + 44, header.entries);
  set_le(out + 48, header.directory_crc);
  set_le(out + 52, header.previous_crc);
  set_le(out + 56, header.salt);
  set_own_crc(out, kFrameHeaderSize);
  return get_u32_le(out + 60);
}

std::optional<FrameHeader> decode_frame_header(std::string_view bytes, std::uint64_t segment, std::uint64_t offset, std::uint32_t salt) {
  if (bytes.size() < kFrameHeaderSize) return std::nullopt;
  bytes = bytes.substr(0, kFrameHeaderSize);
  if (bytes.substr(0, 4) != kFrameMagic) return std::nullopt;
  const char* at = bytes.data();
  FrameHeader header;
  header.version = get_u16_le(at + 4);
  header.segment = get_u64_le(at + 8);
  header.offset = get_u64_le(at + 16);
  header.commit = get_u64_le(at + 24);
  header.durable = get_u64_le(at + 32);
  header.length = get_u32_le(at + 40);
  header.entries = get_u32_le(at + 44);
  header.directory_crc = get_u32_le(at + 48);
  header.previous_crc = get_u32_le(at + 52);
  header.salt = get_u32_le(at + 56);
  header.crc = get_u32_le(at + 60);
  if (header.segment != segment || header.offset != offset || header.salt != salt || !own_crc_fits(bytes)) return std::nullopt;
  return header;
}

void encode(const FrameEntry& entry, char* out) {
  set_le(out, entry.topic);
  set_le(out + 2, entry.lane);
  set_le(out + 4, entry.count);
  set_le(out + 8, entry.first);
  set_le(out + 16, entry.offset);
  set_le(out + 20, entry.length);
  set_le(out + 24, entry.crc);
  set_le(out + 28, std::uint32_t{0});
}

FrameEntry decode_frame_entry(const char* at) {
  return FrameEntry{get_u16_le(at), get_u16_le(at + 2), get_u32_le(at + 4), get_u64_le(at + 8),
                    get_u32_le(at + 16), get_u32_le(at + 20), get_u32_le(at + 24)};
}

bool reserved_is_zero(const char* entry_bytes) { return get_u32_le(entry_bytes + 28) == 0; }

std::string encode(const TailSlot& slot) {
  std::string out(kTailSlotSize, '\0');
  std::memcpy(out.data(), kTailMagic.data(), 8);
  set_le(out.data() + 8, kJournalVersion);
  set_le(out.data() + 16, slot.commit);
  set_le(out.data() + 24, slot.segment);
  set_le(out.data() + 32, slot.end);
  set_le(out.data() + 40, slot.crc);
  set_le(out.data() + 44, slot.salt);
  set_own_crc(out.data(), kTailSlotSize);
  return out;
}

std::optional<TailSlot> decode_tail_slot(std::string_view bytes, std::uint32_t salt) {
  if (bytes.size() != kTailSlotSize || bytes.substr(0, 8) != kTailMagic || !own_crc_fits(bytes)) return std::nullopt;
  const char* at = bytes.data();
  if (get_u16_le(at + 8) != kJournalVersion || get_u32_le(at + 44) != salt) return std::nullopt;
  return TailSlot{get_u64_le(at + 16), get_u64_le(at + 24), get_u64_le(at + 32), get_u32_le(at + 40), salt};
}

bool all_zero(std::string_view bytes) {
  return bytes.empty() || (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::string segment_name(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 10) digits.insert(0, 10 - digits.size(), '0');
  return digits + ".journal";
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".journal";
  if (name.size() < 10 + kSuffix.size() || name.size() > 19 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : name.substr(0, name.size() - kSuffix.size())) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (segment_name(number) != name) return std::nullopt;
  return number;
}

}  // namespace tidemark::log
