#include "core/log/kafka/fetch_request.hpp"

#include "core/base/bytes.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr std::uint16_t kFetch = 1, kVersion = 11;
constexpr std::uint32_t kNone = 0xffffffffu;  // -1
constexpr std::uint8_t kReadCommitted = 1;

void put_text(std::string& out, std::string_view text) {
  put_u16_be(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

}  // namespace

std::string encode_fetch(const FetchRequest& request) {
  std::string out(4, '\0');
  put_u16_be(out, kFetch);
  put_u16_be(out, kVersion);
  put_u32_be(out, static_cast<std::uint32_t>(request.number));
  put_text(out, request.client_id);
  put_u32_be(out, kNone);  // no replica
  put_u32_be(out, static_cast<std::uint32_t>(request.wait_ms));
  put_u32_be(out, 1);      // answered as soon as there is anything
  put_u32_be(out, static_cast<std::uint32_t>(request.bytes_max));
  out.push_back(static_cast<char>(kReadCommitted));
  put_u32_be(out, 0);      // no session
  put_u32_be(out, kNone);
  put_u32_be(out, 1);      // one topic
  put_text(out, request.partition.topic);
  put_u32_be(out, 1);      // one partition
  put_u32_be(out, static_cast<std::uint32_t>(request.partition.partition));
  put_u32_be(out, kNone);  // whatever the leader's epoch
  put_u64_be(out, static_cast<std::uint64_t>(request.offset));
  put_u64_be(out, ~std::uint64_t{0});  // a follower's field
  put_u32_be(out, static_cast<std::uint32_t>(request.bytes_max));
  put_u32_be(out, 0);      // nothing to forget
  put_text(out, "");       // no rack
  std::string length;
  put_u32_be(length, static_cast<std::uint32_t>(out.size() - 4));
  out.replace(0, 4, length);
  return out;
}

std::optional<Fetched> decode_fetched(std::string_view answer, const FetchRequest& request) {
  ByteReader in(answer);
  Fetched out;
  if (in.u32_be() != static_cast<std::uint32_t>(request.number)) return std::nullopt;
  in.u32_be();  // how long it was throttled
  const auto error = static_cast<std::int16_t>(in.u16_be());
  in.u32_be();  // no session
  const std::uint32_t topics = in.u32_be();
  if (in.ok() && error != 0) {
    out.error = error;
    return out;
  }
  if (topics != 1 || in.take(in.u16_be()) != request.partition.topic) return std::nullopt;
  if (in.u32_be() != 1 || in.u32_be() != static_cast<std::uint32_t>(request.partition.partition)) return std::nullopt;
  out.error = static_cast<std::int16_t>(in.u16_be());
  in.u64_be();  // the end for readers of uncommitted records, the one of committed ones, the first offset
  in.u64_be();
  in.u64_be();
  const std::uint32_t aborted = in.u32_be();
  out.has_aborted = aborted != 0 && aborted != kNone;
  if (out.has_aborted) in.take(std::size_t{aborted} * 16);
  in.u32_be();  // a replica that would rather be asked
  const std::uint32_t size = in.u32_be();
  if (size != kNone) out.records = in.take(size);
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return out;
}

}  // namespace tidemark::log::kafka
