#pragma once
// Rows of the read models as rows of the old controller's tables. Pure.

#include <string>
#include <string_view>

#include "projections/builds/builds_model.hpp"
#include "schemas/builds/import/legacy_rows.hpp"

namespace tidemark::projections::builds {

// Where a build's files lie below the storage root.
std::string legacy_source_path(std::string_view build_id);                     ///< "builds/<id>.zip"
std::string legacy_certs_path(std::string_view build_id);                      ///< "certs/<id>.zip"
std::string legacy_result_path(std::string_view build_id, Platform platform);  ///< "results/<id>.ipa", ".apk"

/// As the old controller knows a build: cancelled is failed. Its source always has a path, certificates and result have one when
/// there are any.
///   root   what paths begin with, without a slash at its end
schemas::builds::legacy::Build legacy_build(const BuildView& build, const std::string& root, std::string access_token);
schemas::builds::legacy::Worker legacy_worker(const WorkerView& worker);

}  // namespace tidemark::projections::builds
