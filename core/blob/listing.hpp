#pragma once
// Which files a blob store has, a page at a time. Pool threads.

#include <optional>
#include <vector>

#include "core/blob/staging.hpp"
#include "core/blob/stored_file.hpp"

namespace tidemark::blob {

/// See CopySource::list_files().
Result<std::vector<StoredFile>> list_files(const Area& area, const std::optional<StoredFile>& after, std::size_t files_max);
/// See CopySource::are_here(). A name that is none is not here.
Result<std::vector<bool>> are_here(const Area& area, const std::vector<StoredFile>& files);

}  // namespace tidemark::blob
