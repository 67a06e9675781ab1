#pragma once
// NodeProof: shows that bytes which lie where others may write too come from a node of this installation. Used by core/runtime,
// implemented by core/cluster.

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace tidemark::runtime {

///   threads   any
class NodeProof {
 public:
  virtual ~NodeProof() = default;
  /// The proof of `what`, visible ASCII.
  virtual Result<std::string> prove(std::string_view what) const = 0;
  virtual bool holds(std::string_view what, std::string_view proof) const = 0;
};

}  // namespace tidemark::runtime
