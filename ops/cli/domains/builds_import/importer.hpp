#pragma once
// Brings an old controller's rows and files into a node: in order, in commands of many rows, each row once however often it
// is run.

#include <string>

#include "core/base/task.hpp"
#include "ops/cli/domains/builds_import/report.hpp"
#include "ops/cli/domains/builds_import/source.hpp"
#include "ops/cli/offline_node.hpp"

namespace tidemark::cli::builds_import {

/// Reads and maps everything, looks at the files, changes nothing.
Result<void> check_source(const Source& source, Report& report);

/// When it ends everything is durable and the node's read models show it.
///   errors  those of the node and of the blob store; what was imported before stays, the next run goes on
Task<Result<void>> import_source(const Source& source, OfflineParts parts, Report& report);

}  // namespace tidemark::cli::builds_import
