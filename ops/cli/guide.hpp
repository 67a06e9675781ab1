#pragma once
// What a person needs after the first start: addresses, keys, and commands that work when pasted.

#include <string>
#include <vector>

#include "core/http/server.hpp"
#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {

struct Guide {
  struct OfDomain {
    std::string surface;             ///< the one that the commands to try are for
    const DomainInstance* instance;  ///< borrowed
  };
  std::string data, keys;
  std::vector<http::BoundListener> bound;
  std::vector<OfDomain> domains{};
};

/// On standard output.
void print_guide(const Guide& guide);

/// `text` for a POSIX shell, quoted only when it must be.
std::string shell_word(const std::string& text);

}  // namespace tidemark::cli
