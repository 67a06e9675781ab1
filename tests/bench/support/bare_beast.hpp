#pragma once
// The reference: the plainest keep-alive server on Beast, one thread, callbacks, string bodies.

#include <cstdint>
#include <memory>

namespace tidemark::bench {

/// Answers every request 200 with {"ok":true}. Serves in a thread of its own until destroyed.
class BareBeast {
 public:
  BareBeast();
  ~BareBeast();
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemark::bench
