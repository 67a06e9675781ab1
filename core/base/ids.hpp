#pragma once
// Strong types for what is counted, and UUIDs.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace tidemark {

/// Lane p is partition p of every topic. 0 .. N-1.
struct LaneId {
  std::uint32_t value = 0;
  auto operator<=>(const LaneId&) const = default;
};

/// Dense position of a record of the owner within one topic and lane, from 0. The only position that may be stored or shown.
struct Tmseq {
  std::uint64_t value = 0;
  auto operator<=>(const Tmseq&) const = default;
  Tmseq next() const { return Tmseq{value + 1}; }
};

/// RFC 9562 UUID, bytes in network order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

std::string to_string(const Uuid& id);  ///< 36 lower-case characters
std::optional<Uuid> parse_uuid(std::string_view text);
Uuid uuid_from_bytes(std::string_view sixteen_bytes);

/// Version 7: 48 bits of `time`, 74 random bits (the low 12 of `random_high`, the low 62 of `random_low`).
Uuid make_uuid_v7(Time time, std::uint64_t random_high, std::uint64_t random_low);
/// Version 5 (SHA-1) in the namespace `space`; for ids of imported things.
Uuid make_uuid_v5(const Uuid& space, std::string_view name);
/// Version 8 from the first bits of SHA-256(length-prefixed parts): every id that Tidemark derives from a cause.
Uuid derive_uuid(std::string_view cause, std::string_view purpose, std::uint64_t index = 0);

/// SHA-256, 32 raw bytes.
std::string sha256(std::string_view bytes);

/// Kafka's murmur2 (seed 0x9747b28c) as the Java client's default partitioner computes it.
std::uint32_t murmur2(std::string_view key);
/// (murmur2(boundary key) & 0x7fffffff) mod lanes.
LaneId lane_of(std::string_view boundary_key, std::uint32_t lanes);

/// CRC-32C (Castagnoli), as Kafka's record batch and our frames use. `crc` continues an earlier call.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace tidemark

template <>
struct std::hash<tidemark::Uuid> {
  std::size_t operator()(const tidemark::Uuid& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
