#pragma once
// From rows of an old controller to what is imported. Pure. Nothing is guessed silently: what had to be mended or left out
// is a note, which the import's report lists.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/builds/import/legacy_rows.hpp"
#include "schemas/builds/import/rows.hpp"

namespace tidemark::schemas::builds {

/// Longer texts are cut (or, when they are JSON, left out), with a note.
inline constexpr std::size_t kImportedErrorBytesMax = 256u << 10;
inline constexpr std::size_t kImportedLineBytesMax = 512u << 10;
inline constexpr std::size_t kImportedJsonBytesMax = 512u << 10;

struct ImportNote {
  enum class Kind {
    warning,   ///< imported, but not as it stands in the row
    rejected,  ///< not imported
  } kind = Kind::warning;
  std::string table;
  std::string key;   ///< primary key of the row
  std::string text;  ///< one sentence
};

template <class T>
struct Mapped {
  std::optional<T> value;  ///< nullopt: left out, a note says why
  std::vector<ImportNote> notes;
};

/// A file that a row names and that was found.
struct FoundFile {
  std::string sha256;
  std::uint64_t size = 0;
};
struct FoundFiles {
  std::optional<FoundFile> source, certs, result;
};

/// What is known of the worker of a build that is under way.
enum class Holder {
  unknown,    ///< there is no such worker
  elsewhere,  ///< it has begun another build later: it cannot be at work on this one
  at_work,
};

/// Which installation a database is of: a hash of its oldest build or, without builds, its oldest worker. So a copy, and a
/// copy that was made later, are of the same installation. 64 hex digits.
std::string database_identity(const std::optional<legacy::Build>& oldest_build,
                              const std::optional<legacy::Worker>& oldest_worker);

/// 32 hex digits that change with any column of the row; for a build also with the sizes of its files (nullopt: not found).
std::string row_digest(const legacy::Worker& row);
std::string row_digest(const legacy::Build& row, const std::optional<std::uint64_t>& source,
                       const std::optional<std::uint64_t>& certs, const std::optional<std::uint64_t>& result);

/// Where a file of a build is looked for, below the storage root: by kind and id, never by the path in the row. Empty for an
/// id that could name another file. A result may have either ending; the platform's is first.
std::vector<std::string> file_candidates(BlobKind kind, std::string_view build_id, std::string_view platform);

Mapped<ImportedWorker> map_worker(const legacy::Worker& row);
/// `digest` is row_digest() of the row. The files are those that the row names.
Mapped<ImportedBuild> map_build(const legacy::Build& row, const FoundFiles& files, Holder holder, std::string digest);
Mapped<ImportedLine> map_line(const legacy::BuildLog& row);
/// Samples that are out of bounds are left out with a warning, as they were never taken here either.
Mapped<ImportedSample> map_sample(const legacy::CpuSnapshot& row);
Mapped<ImportedDiagnostic> map_diagnostic(const legacy::Diagnostic& row);

}  // namespace tidemark::schemas::builds
