#include "core/blob/uses.hpp"

namespace tidemark::blob {

std::optional<Use> FileUses::of(const StoredFile& file) const {
  std::optional<Use> said = Use::unknown;
  for (const Ask& ask : asked_) {
    const auto use = ask(file);
    if (use == Use::needed) return use;
    if (!use) said = std::nullopt;
    else if (said && *use == Use::gone) said = use;
  }
  return said;
}

}  // namespace tidemark::blob
