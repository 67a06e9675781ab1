#pragma once
// CommandProof: proofs of nodes in commands topics, by a MAC under the key ring that all nodes of an installation share
// (docs/formats/node-key.md).

#include "core/keys/key_ring.hpp"
#include "core/runtime/node_proof.hpp"

namespace tidemark::cluster {

/// Borrows the ring. Proves by its oldest MAC key that is not destroyed: all nodes have that one, also while some have not been restarted
/// since a key was added.
class CommandProof final : public runtime::NodeProof {
 public:
  explicit CommandProof(const keys::KeyRing& ring);
  Result<std::string> prove(std::string_view what) const override;
  bool holds(std::string_view what, std::string_view proof) const override;

 private:
  const keys::KeyRing& ring_;
  std::string key_;
};

}  // namespace tidemark::cluster
