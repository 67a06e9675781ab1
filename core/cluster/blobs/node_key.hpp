#pragma once
// NodeKey: how a node proves to another one that it is of the same installation. No secret is set for it: the proof is a MAC under
// the key ring, which all nodes of an installation share (docs/formats/node-key.md).

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/scheduler.hpp"
#include "core/http/http.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::cluster {

/// What a proof is about.
struct NodeRequest {
  std::string_view method, target;  ///< as sent
  std::string_view content;         ///< SHA-256 of the body in hex, where the target does not hold it; "" without
};

/// Scheduler's thread. Borrows the ring.
class NodeKey {
 public:
  /// How far the clocks of two nodes may be apart.
  static constexpr Duration kWindow = std::chrono::seconds(60);
  static constexpr std::size_t kRemembered = 100'000;  ///< proofs within the window; above it new ones are refused

  NodeKey(const keys::KeyRing& ring, Scheduler& home, std::string node_id) : ring_(ring), home_(home), node_id_(std::move(node_id)) {}

  struct Signed {
    http::Headers headers;
    std::string nonce;   ///< for proves_stored()
  };
  /// Fields for a request to the node `to`, good once and for kWindow.
  Result<Signed> sign(const NodeRequest& request, std::string_view to) const;

  struct Caller {
    std::string node_id, key_id, nonce;
    std::string content;  ///< as signed
  };
  /// Who sent it. Without a good proof: invalid_argument, and no more is said to a stranger than that; version_conflict when only
  /// the time is wrong or the proof was used before; unavailable when too many came.
  Result<Caller> check(const http::Request& request);

  /// Field of an answer that says that the file of that target is stored, on disk, by this node.
  Result<std::pair<std::string, std::string>> stored(const Caller& caller, std::string_view target) const;
  /// Whether the answer to a request that was signed so, to that node, says that. Others than nodes cannot.
  bool proves_stored(const http::Headers& answer, const Signed& asked, std::string_view target, std::string_view to) const;

 private:
  const keys::KeyRing& ring_;
  Scheduler& home_;
  const std::string node_id_;
  std::deque<std::pair<SteadyTime, std::string>> order_;  // of nonces, with when each is forgotten
  std::unordered_set<std::string> nonces_;
};

}  // namespace tidemark::cluster
