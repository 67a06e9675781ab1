#pragma once
// What this node knows of the use of the files of builds.

#include <optional>

#include "core/base/rows.hpp"
#include "core/blob/blob_store.hpp"
#include "core/blob/stored_file.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::commands::builds::endpoint {

/// Reads the state that files are asked of: the owner's, which is the log's end under the lease, or what this node knows of the log.
/// What is gone there is gone for good. False when neither can be read now. Scheduler's thread.
bool read_state(runtime::Node& node, FnRef<void(const RowReader& state)> read);

/// Of a source or result, or of a file of certificates, for blob::FileUses. nullopt: the state cannot be read now.
std::optional<blob::Use> file_use(runtime::Node& node, const blob::StoredFile& file);

}  // namespace tidemark::commands::builds::endpoint
