#pragma once
// Internal to core/cluster/blobs: what another node said, for a message.

#include <string>

#include "core/base/error.hpp"
#include "core/http/relay/peer_client.hpp"

namespace tidemark::cluster {

inline Error answered(const http::PeerAnswer& answer) {
  constexpr std::size_t kSaidMax = 200;
  return make_error(Code::unavailable, "it answered " + std::to_string(answer.status) + (answer.text.empty() ? "" : ": " + answer.text.substr(0, kSaidMax)));
}

}  // namespace tidemark::cluster
