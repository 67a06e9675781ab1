#include "commands/builds/endpoint/file_uses.hpp"

#include "commands/builds/files.hpp"
#include "commands/builds/queries.hpp"
#include "core/runtime/followed_state.hpp"
#include "schemas/builds/topics.hpp"

namespace tidemark::commands::builds::endpoint {

using schemas::builds::kDefaultPool;
using schemas::builds::kDomainName;

bool read_state(runtime::Node& node, FnRef<void(const RowReader& state)> read) {
  if (!node.ready()) return false;
  if (node.owner_call(kDomainName, kDefaultPool, [read](const runtime::OwnerView& view) { read(view.state); }).ok()) return true;
  return runtime::followed_state(node).state_call(kDomainName, kDefaultPool, read).ok();
}

std::optional<blob::Use> file_use(runtime::Node& node, const blob::StoredFile& file) {
  auto use = blob::Use::unknown;
  const bool asked = read_state(node, [&](const RowReader& state) {
    if (!file.is_private) {
      if (is_blob_used(state, file.name)) use = blob::Use::needed;
      return;
    }
    switch (certs_use(state, file.name)) {
      case CertsUse::needed: use = blob::Use::needed; break;
      case CertsUse::gone: use = blob::Use::gone; break;
      case CertsUse::unknown: break;
    }
  });
  return asked ? std::optional(use) : std::nullopt;
}

}  // namespace tidemark::commands::builds::endpoint
