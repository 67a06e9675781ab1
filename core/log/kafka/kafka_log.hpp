#pragma once
// Apache Kafka as an EventLog (docs/formats/kafka.md). Lane p is partition p of every topic. A lane's owner has a transactional
// producer under the lane's own id: taking the lane fences the owner before it, an append is one transaction. Readers see what
// was committed, and check that every partition's tmseq is dense.

#include <functional>
#include <memory>

#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"
#include "core/log/kafka/handles.hpp"

namespace tidemark::log {

struct KafkaLogOptions {
  kafka::ClientOptions client;
  std::string prefix;                      ///< before every topic and transactional id: several installations on one cluster
  std::uint32_t lanes = 12;                ///< used at creation only; recorded in the log
  int replication = -1;                    ///< of topics that are created; -1: as the brokers are set
  std::function<Uuid()> make_epoch;        ///< draws the epoch at creation
  std::string ring;                        ///< id of the key ring, which all nodes share: recorded at creation, another is refused. Empty: not looked at
  bool must_exist = false;                 ///< not_found when there is no installation, instead of making one
  /// Opens the installation as the target of a copy of the log with that epoch: one that is made is marked so, one that is there
  /// must be. Without it an incomplete copy is refused.
  std::optional<Uuid> copy_of = {};
  std::size_t memory_bytes = 16u << 20;    ///< newest batches kept in memory
  Duration lease = std::chrono::seconds(1);
  Duration patience = std::chrono::seconds(30);       ///< for a cluster that does not answer: at start, and when a lane is taken
  Duration append_patience = std::chrono::seconds(5); ///< until an append's outcome is called unknown
  metrics::Registry* metrics = nullptr;
};

struct KafkaLogReport {
  bool created = false;
  std::string ring;  ///< as the log has it
};

/// Opens the installation under `prefix`, or creates it. Blocks until the cluster has answered.
///   home      where completions run; outlives the log
///   errors    unavailable (no broker answers, an incomplete copy), invalid_argument (a property, another key ring, a topic whose settings would lose events), unsupported_version
/// The destructor waits for appends under way; nothing completes after it.
Result<std::unique_ptr<EventLog>> open_kafka_log(Executor& home, KafkaLogOptions options, KafkaLogReport* report = nullptr);

}  // namespace tidemark::log
