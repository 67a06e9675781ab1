#pragma once
// The log of a node: opened where the settings say, told of in the process log, and tended.

#include <memory>
#include <string>

#include "core/base/disk.hpp"
#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

/// What it is opened with; all of it outlives the log.
struct NodeLogParts {
  const Settings& settings;
  const std::string& data;   ///< directory
  const std::string& ring;   ///< id of the key ring
  Disk& disk;
  Scheduler& home;
  Executor& journal;
  Executor& sealer;
  metrics::Registry* metrics = nullptr;
};

struct NodeLog {
  std::unique_ptr<log::EventLog> log;
  log::EmbeddedLog* embedded = nullptr;  ///< `log`, unless it is on Kafka
};

/// Blocks until it can be read. invalid_argument names the setting.
Result<NodeLog> open_node_log(const NodeLogParts& parts);

/// From now on, what must be done for a log that is written little, too.
void tend_log(log::EmbeddedLog& log, Scheduler& home);

/// For what a Kafka client says: numbers as syslog has them. Any thread.
void log_of_client(int level, std::string_view facility, std::string_view text);

}  // namespace tidemark::cli
