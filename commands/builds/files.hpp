#pragma once
// Owner calls about the files of builds: what they refer to, and what has been kept long enough. Whether a source or result is
// referred to at all is is_blob_used() of queries.hpp.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commands/builds/tables.hpp"
#include "schemas/builds/settings.hpp"

namespace tidemark::commands::builds {

/// The build's file of that kind; null when it has none, or none any more. Points into `build`.
const BlobRef* file_of(const BuildRow& build, BlobKind kind);

/// When the time that the files of a build are kept for began.
inline std::int64_t kept_since(const BuildRow& build) { return build.kept_from > 0 ? build.kept_from : build.completed_at; }

struct DueFile {
  std::string build_id;
  BlobKind kind = BlobKind::certs;
  bool operator==(const DueFile&) const = default;
};
/// Files of builds that have ended, kept as long as the settings say; of each kind the oldest end first.
std::vector<DueFile> due_files(const RowReader& state, Time now, const schemas::builds::Settings& settings, std::size_t files_max);

/// What a file of certificates under the id of a build is there for.
enum class CertsUse {
  needed,   ///< the build refers to it
  gone,     ///< the build is known and has none (any more)
  unknown,  ///< no such build: it may just be on its way
};
CertsUse certs_use(const RowReader& state, std::string_view build_id);

/// Grows with every file that is purged; `shared` with every source and result, which other builds may have as well.
PurgesRow purge_count(const RowReader& state);

}  // namespace tidemark::commands::builds
