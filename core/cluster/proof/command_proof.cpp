#include "core/cluster/proof/command_proof.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::cluster {
namespace {

constexpr std::string_view kPurpose = "cluster command";
constexpr std::size_t kProofBytesMax = 1024;

}  // namespace

CommandProof::CommandProof(const keys::KeyRing& ring) : ring_(ring) {
  const auto all = ring.keys();
  const auto oldest = std::find_if(all.begin(), all.end(), [](const keys::KeyInfo& key) { return key.purpose == keys::kMacPurpose && !key.destroyed; });
  key_ = oldest != all.end() ? oldest->id : ring.current_mac_key();
}

/// "<key id>.<mac>", the MAC in base64url.
Result<std::string> CommandProof::prove(std::string_view what) const {
  auto mac = ring_.mac(key_, kPurpose, {what});
  if (!mac) return mac.take_error();
  return key_ + '.' + to_base64url(*mac);
}

bool CommandProof::holds(std::string_view what, std::string_view proof) const {
  const auto dot = proof.rfind('.');
  if (proof.size() > kProofBytesMax || dot == proof.npos) return false;
  const auto expected = ring_.mac(proof.substr(0, dot), kPurpose, {what});
  const auto given = from_base64url(proof.substr(dot + 1));
  return expected.ok() && given && keys::same_secret(*given, *expected);
}

}  // namespace tidemark::cluster
