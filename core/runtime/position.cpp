#include "core/runtime/position.hpp"

#include <algorithm>

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"
#include "core/base/constant_time.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTagBytes = 8;
constexpr std::size_t kTokenCharsMax = 16 * 1024;

bool same_place(const PositionPart& a, const PositionPart& b) { return a.topic == b.topic && a.lane == b.lane; }

Error foreign() { return make_error(Code::corrupt, "the position token was not made by this installation"); }
Error not_ours() { return make_error(Code::invalid_argument, "it is not a position token"); }

}  // namespace

void Position::merge(const Position& other) {
  if (other.parts.empty()) return;
  TM_ASSERT(parts.empty() || log_epoch == other.log_epoch, "positions of two histories cannot be merged");
  log_epoch = other.log_epoch;
  for (const auto& part : other.parts) {
    auto found = std::find_if(parts.begin(), parts.end(), [&](const auto& mine) { return same_place(mine, part); });
    if (found == parts.end()) parts.push_back(part);
    else found->last = std::max(found->last, part.last);
  }
  std::sort(parts.begin(), parts.end());
}

std::string encode_position(const Position& position, const PositionTag& tag) {
  std::string bytes(1, static_cast<char>(kVersion));
  bytes.append(position.log_epoch.view());
  put_varint(bytes, position.parts.size());
  for (const auto& part : position.parts) {
    put_varint(bytes, part.topic.size());
    bytes.append(part.topic);
    put_varint(bytes, part.lane.value);
    put_varint(bytes, part.last.value);
  }
  bytes.append(tag(bytes).substr(0, kTagBytes));
  return to_base64url(bytes);
}

Result<Position> decode_position(std::string_view token, const PositionTag& tag) {
  if (token.size() > kTokenCharsMax) return not_ours();
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < 1 + 16 + 1 + kTagBytes) return not_ours();
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - kTagBytes);
  const std::string expected = tag(body).substr(0, kTagBytes);
  if (!same_bytes(expected, std::string_view(*bytes).substr(body.size()))) return bytes->front() == kVersion ? foreign() : not_ours();
  ByteReader in(body);
  if (in.u8() != kVersion) return not_ours();
  Position position;
  position.log_epoch = uuid_from_bytes(in.take(16));
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    PositionPart part;
    part.topic = std::string(in.take(in.varint()));
    part.lane = LaneId{static_cast<std::uint32_t>(in.varint())};
    part.last = Tmseq{in.varint()};
    position.parts.push_back(std::move(part));
  }
  if (!in.ok() || in.left() != 0) return not_ours();
  return position;
}

}  // namespace tidemark::runtime
