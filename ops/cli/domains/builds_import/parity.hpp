#pragma once
// Whether the new side answers as the old one did: against what the old rows say, and against the old server itself.

#include <string>

#include "ops/cli/domains/builds_import/report.hpp"
#include "ops/cli/domains/builds_import/source.hpp"
#include "ops/cli/offline_node.hpp"

namespace tidemark::cli::builds_import {

/// Compares status, list, logs and worker statistics of everything in the database with what the read models answer.
///   fresh  nothing but this import has happened here, so nothing can have gone on since
Result<void> compare_with_rows(const Source& source, OfflineParts parts, bool fresh, Report& report);

/// The same with the answers of the old server at `url` ("http://host:port"). What it does not answer is a difference.
Result<void> compare_with_server(const Source& source, OfflineParts parts, const std::string& url, const std::string& api_key, Report& report);

/// JSON values, whatever the order of members; nullopt when one does not parse.
bool same_json(std::string_view left, std::string_view right);

}  // namespace tidemark::cli::builds_import
