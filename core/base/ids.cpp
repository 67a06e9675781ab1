#include "core/base/ids.hpp"

#include <algorithm>

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"

namespace tidemark {

std::string sha1(std::string_view bytes);  // hash.cpp; only for UUID version 5

namespace {
void stamp(Uuid& id, int version) {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | (version << 4));
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
}
}  // namespace

std::string to_string(const Uuid& id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    out[at++] = kHex[id.bytes[i] >> 4];
    out[at++] = kHex[id.bytes[i] & 15];
  }
  return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
  std::string digits;
  digits.reserve(32);
  for (std::size_t i = 0; i < 36; ++i) {
    if (i != 8 && i != 13 && i != 18 && i != 23) digits.push_back(text[i]);
  }
  auto bytes = from_hex(digits);
  if (!bytes) return std::nullopt;
  return uuid_from_bytes(*bytes);
}

Uuid uuid_from_bytes(std::string_view sixteen_bytes) {
  TM_ASSERT(sixteen_bytes.size() == 16, "a UUID has 16 bytes");
  Uuid id;
  std::copy(sixteen_bytes.begin(), sixteen_bytes.end(), id.bytes.begin());
  return id;
}

Uuid make_uuid_v7(Time time, std::uint64_t random_high, std::uint64_t random_low) {
  Uuid id;
  const auto ms = static_cast<std::uint64_t>(to_ms(time));
  for (int i = 0; i < 6; ++i) id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(random_high >> 8);
  id.bytes[7] = static_cast<std::uint8_t>(random_high);
  for (int i = 0; i < 8; ++i) id.bytes[static_cast<std::size_t>(8 + i)] = static_cast<std::uint8_t>(random_low >> (56 - 8 * i));
  stamp(id, 7);
  return id;
}

Uuid make_uuid_v5(const Uuid& space, std::string_view name) {
  std::string input(space.view());
  input.append(name);
  Uuid id = uuid_from_bytes(std::string_view(sha1(input)).substr(0, 16));
  stamp(id, 5);
  return id;
}

Uuid derive_uuid(std::string_view cause, std::string_view purpose, std::uint64_t index) {
  std::string input;
  input.reserve(cause.size() + purpose.size() + 12);
  put_varint(input, cause.size());
  input.append(cause);
  put_varint(input, purpose.size());
  input.append(purpose);
  put_varint(input, index);
  Uuid id = uuid_from_bytes(std::string_view(sha256(input)).substr(0, 16));
  stamp(id, 8);
  return id;
}

std::uint32_t murmur2(std::string_view key) {
  constexpr std::uint32_t kMix = 0x5bd1e995;
  std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(key.size());
  std::size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    std::uint32_t k = get_u32_le(key.data() + i);
    k *= kMix;
    k ^= k >> 24;
    k *= kMix;
    hash *= kMix;
    hash ^= k;
  }
  const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(key[at])); };
  const std::size_t rest = key.size() - i;
  if (rest == 3) hash ^= byte(i + 2) << 16;
  if (rest >= 2) hash ^= byte(i + 1) << 8;
  if (rest >= 1) {
    hash ^= byte(i);
    hash *= kMix;
  }
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return hash;
}

LaneId lane_of(std::string_view boundary_key, std::uint32_t lanes) {
  TM_ASSERT(lanes > 0, "an installation has at least one lane");
  return LaneId{(murmur2(boundary_key) & 0x7fffffffu) % lanes};
}

}  // namespace tidemark
