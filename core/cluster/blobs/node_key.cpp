#include "core/cluster/blobs/node_key.hpp"

#include <charconv>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::cluster {
namespace {

constexpr std::string_view kPurpose = "cluster node";
constexpr std::string_view kScheme = "Tidemark-Node ";
constexpr std::string_view kProofField = "Tidemark-Node-Stored";
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kFieldBytesMax = 1024;

/// "name=value, name=value" in this order, and nothing else.
struct Fields {
  std::string_view key, from, at, nonce, content, mac;
};

std::optional<Fields> parse(std::string_view text) {
  if (text.size() > kFieldBytesMax || !text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  Fields out;
  const std::pair<std::string_view, std::string_view*> wanted[] = {{"key=", &out.key}, {"from=", &out.from}, {"at=", &out.at},
                                                                  {"nonce=", &out.nonce}, {"content=", &out.content}, {"mac=", &out.mac}};
  for (const auto& [name, value] : wanted) {
    if (!text.starts_with(name)) return std::nullopt;
    text.remove_prefix(name.size());
    const bool last = value == &out.mac;
    const auto end = last ? text.size() : text.find(", ");
    if (end == text.npos) return std::nullopt;
    *value = text.substr(0, end);
    text.remove_prefix(last ? end : end + 2);
  }
  return out;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error stranger() { return make_error(Code::invalid_argument, "the request does not come from a node of this installation"); }

}  // namespace

Result<NodeKey::Signed> NodeKey::sign(const NodeRequest& request, std::string_view to) const {
  const std::string& key = ring_.current_mac_key();
  const std::string at = std::to_string(to_ms(home_.wall()));
  Signed out;
  out.nonce = to_hex(keys::random_bytes(kNonceBytes));
  auto mac = ring_.mac(key, kPurpose, {"request", request.method, request.target, node_id_, to, at, out.nonce, request.content});
  if (!mac.ok()) return mac.take_error();
  std::string field(kScheme);
  field += "key=" + key + ", from=" + node_id_ + ", at=" + at + ", nonce=" + out.nonce + ", content=" + std::string(request.content) + ", mac=" + to_base64url(*mac);
  out.headers.emplace_back("Authorization", std::move(field));
  return out;
}

Result<NodeKey::Caller> NodeKey::check(const http::Request& request) {
  const auto field = request.header("Authorization");
  const auto given = field && request.header_count("Authorization") == 1 ? parse(*field) : std::nullopt;
  if (!given) return stranger();
  const auto mac = from_base64url(given->mac);
  const auto expected = ring_.mac(given->key, kPurpose, {"request", request.method_name(), request.target(), given->from, node_id_, given->at, given->nonce, given->content});
  if (!mac || !expected.ok() || !keys::same_secret(*mac, *expected)) return stranger();
  const auto at = number(given->at);
  if (!at || given->nonce.size() != 2 * kNonceBytes) return stranger();
  const Duration apart = home_.wall() - from_ms(*at);
  if (apart > kWindow || apart < -kWindow) {
    return make_error(Code::version_conflict, "the request was made " + std::to_string(apart.count()) + " ms ago by this node's clock: the clocks of the nodes must agree");
  }
  Caller caller{std::string(given->from), std::string(given->key), std::string(given->nonce), std::string(given->content)};
  const SteadyTime now = home_.now();
  while (!order_.empty() && order_.front().first <= now) {
    nonces_.erase(order_.front().second);
    order_.pop_front();
  }
  if (nonces_.contains(caller.nonce)) return make_error(Code::version_conflict, "the request was made before, and is good once");
  if (nonces_.size() >= kRemembered) return make_error(Code::unavailable, "too many requests of other nodes");
  // Its time may be ahead of this clock by a window, and it is good for a window after that.
  order_.emplace_back(now + 2 * kWindow + Duration(1), caller.nonce);
  nonces_.insert(caller.nonce);
  return caller;
}

Result<std::pair<std::string, std::string>> NodeKey::stored(const Caller& caller, std::string_view target) const {
  auto mac = ring_.mac(caller.key_id, kPurpose, {"stored", target, caller.node_id, node_id_, caller.nonce});
  if (!mac.ok()) return mac.take_error();
  return std::pair<std::string, std::string>(kProofField, to_base64url(*mac));
}

bool NodeKey::proves_stored(const http::Headers& answer, const Signed& asked, std::string_view target, std::string_view to) const {
  const auto expected = ring_.mac(ring_.current_mac_key(), kPurpose, {"stored", target, node_id_, to, asked.nonce});
  if (!expected.ok()) return false;
  for (const auto& [name, value] : answer) {
    if (name != kProofField) continue;
    const auto mac = from_base64url(value);
    return mac && keys::same_secret(*mac, *expected);
  }
  return false;
}

}  // namespace tidemark::cluster
