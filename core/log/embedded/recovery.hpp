#pragma once
// What happens to a journal before it is opened for writing: judged, its torn tail cut, its last frame made durable.

#include "core/log/embedded/embedded_log.hpp"
#include "core/log/embedded/partition_index.hpp"
#include "core/log/embedded/scan.hpp"

namespace tidemark::log {

struct RecoveredJournal {
  Inspection state;
  std::vector<PartitionIndex> index;  ///< [topic * lanes + lane]
};

/// Makes the directory's first segment, `tail` and, last, `meta`.
Result<void> create_journal(Disk& disk, const EmbeddedLogOptions& options);
/// True when `meta` is there. corrupt when it is missing beside segments that hold frames.
Result<bool> journal_exists(Disk& disk, const std::string& directory);
/// corrupt or unsupported_version with nothing changed, or a journal that can be served.
Result<RecoveredJournal> recover_journal(Disk& disk, const std::string& directory, RecoveryReport& report);

}  // namespace tidemark::log
