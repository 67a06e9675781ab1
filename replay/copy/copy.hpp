#pragma once
// Moves a whole history from one log into another, which is its copy: the same records at the same tmseqs, with their times, keys,
// headers and values, the same topics. Offline: nobody else writes either log. It may be broken off at any moment: running
// it again goes on where it was.
//
//   copy_log()      appends what the target lacks
//   compare_logs()  reads both again (comparison.hpp): open the target anew before, so that nothing comes from memory
//   finish_copy()   proves that nobody wrote the source meanwhile, gives topics their retention, and lets nodes open the target

#include <cstdint>
#include <functional>
#include <optional>

#include "core/log/log_copy.hpp"

namespace tidemark::replay {

struct CopyLogs {
  log::EventLog& source;
  log::EventLog& target;  ///< opened as a copy of `source`
  /// Runs the completions of both logs until `done` says so.
  std::function<void(const std::function<bool()>& done)> run_until;
};

struct CopyProgress {
  std::uint64_t copied = 0, there_before = 0, total = 0;  ///< records
};

struct CopyOptions {
  std::size_t append_bytes = 4u << 20;  ///< of one append, about; what belongs together is never divided
  std::size_t appends_ahead = 2;        ///< on the way, of each lane
  std::function<bool(const CopyProgress&)> on_progress = nullptr;  ///< after each append; false breaks it off: cancelled
};

/// Takes every lane of both logs, so that whoever served one is fenced, and appends what the target lacks.
///   errors   invalid_argument: the target has other lanes, or is not the beginning of the source (topic, lane and tmseq are named);
///            fenced: somebody has taken a lane of the target; corrupt, exhausted, unavailable as the logs say
Result<CopyProgress> copy_log(const CopyLogs& logs, const CopyOptions& options);

/// Takes the lanes of the source again. unavailable when it has grown since: it was served; run all of it again.
Result<void> finish_copy(const CopyLogs& logs);

/// A topic of the source whose records are copied, and the same in the target.
struct CopiedTopic {
  log::TopicSpec spec;
  log::TopicId source, target;
};
/// Commands that wait in an inbox are no history: topics of that class are declared only.
bool is_copied(log::TopicClass topic_class);
std::optional<log::TopicId> find_topic(const log::EventLog& log, std::string_view name);

}  // namespace tidemark::replay
