#pragma once
// The embedded journal as an EventLog (docs/formats/journal.md).

#include <functional>
#include <memory>

#include "core/base/disk.hpp"
#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"

namespace tidemark::log {

/// What the background work on full segments has done; for logs and metrics.
struct SealingReport {
  enum class Kind {
    sealed,   ///< `file` was made
    removed,  ///< retention no longer keeps `file`
    failed,   ///< `error`; nothing is lost, and it is tried again when the next segment is full and at tend()
  } kind = Kind::sealed;
  std::string file;
  std::uint64_t bytes = 0;
  Error error;
};

struct EmbeddedLogOptions {
  std::string directory;                       ///< e.g. "data/log"; created when missing
  std::uint32_t lanes = 12;                    ///< used at creation only; recorded in the log
  std::uint64_t segment_bytes = 64ull << 20;   ///< zero-filled ahead
  std::size_t commit_bytes_max = 64u << 20;    ///< a commit frame takes queued appends up to this
  std::size_t queued_bytes_max = 128u << 20;   ///< appends queued above this fail with unavailable
  /// Draws the epoch at creation.
  std::function<Uuid()> make_epoch;
  /// Opens the journal as the target of a copy of the log with that epoch: one that is made is marked so, one that is there must
  /// be. Without it an incomplete copy is refused.
  std::optional<Uuid> copy_of = {};
  metrics::Registry* metrics = nullptr;  ///< outlives the log; null: nothing is counted
  /// Where full segments are sealed and retention is kept, one thread; null: segments stay as they are. Must outlive the log.
  Executor* sealer = nullptr;
  /// Wall clock that retention goes by; null: only the size of topics is kept.
  std::function<Time()> now;
  /// Called on the sealer; may be null.
  std::function<void(const SealingReport&)> on_sealing;
};

/// The journal, with what its owner must do for it now and then.
class EmbeddedLog : public EventLog {
 public:
  /// Seals what is full and removes what retention no longer keeps, on the sealer. Both happen by themselves when a segment is
  /// full; call this every minute or so, for a log that is written little. From any thread.
  virtual void tend() = 0;
};

/// What recovery found; for the start-up report and for tests.
struct RecoveryReport {
  bool created = false;
  std::uint64_t segments = 0;         ///< not sealed
  std::uint64_t sealed_files = 0;
  std::uint64_t commits = 0;          ///< commit number of the last valid frame
  std::uint64_t torn_bytes_cut = 0;   ///< of a tail that no witness had called durable
};

/// Opens (and recovers) or creates the journal. Takes the directory's lock: unavailable, naming the pid in the lock file,
/// when another process has it, or it is an incomplete copy. corrupt, naming segment and offset, when damage is proven; nothing is changed then.
///   home      where completions run
///   writer    where frames are written and synced; one thread, or the same scheduler in tests
/// `disk`, `home` and `writer` must outlive the log. The destructor waits for the write under way when `writer` is a thread,
/// and breaks off a sealing.
Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(Disk& disk, Executor& home, Executor& writer, EmbeddedLogOptions options,
                                                       RecoveryReport* report = nullptr);

/// Reads every byte of the journal without opening it for writing; a node may be at work on it.
struct VerifyReport {
  std::uint64_t segments = 0, sealed_files = 0;
  std::uint64_t commits = 0;        ///< in segments
  std::uint64_t records = 0, bytes = 0;
  std::vector<std::string> damage;  ///< one sentence each, naming segment or file, and offset; empty when whole
  std::vector<std::string> notes;   ///< harmless findings (a torn tail that recovery will cut)
};
Result<VerifyReport> verify_embedded_log(Disk& disk, const std::string& directory);

}  // namespace tidemark::log
