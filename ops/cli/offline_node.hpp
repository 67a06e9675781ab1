#pragma once
// A node without a surface, for commands that work on the data of an installation that is not served meanwhile.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/task.hpp"
#include "core/blob/blob_store.hpp"
#include "core/keys/key_ring.hpp"
#include "core/runtime/node.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

/// What such a command takes besides its own flags: settings of the data, and of the domains.
std::vector<std::string> offline_setting_keys();

struct OfflineParts {
  runtime::Node& node;
  blob::BlobStore& blobs;
  const keys::KeyRing& keys;
};

/// Takes the lock of the data, starts every domain of the program, runs `work`, stops. A first start makes the installation.
///   change   may alter the domains before the node is made (their settings for this run)
///   errors   unavailable when another process has the data; what starting or `work` said
Result<void> run_offline(const Settings& settings, const std::function<void(runtime::Domain&)>& change,
                         std::function<Task<Result<void>>(OfflineParts parts)> work);

}  // namespace tidemark::cli
