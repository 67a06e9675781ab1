#pragma once
// What an installation is, kept in a compacted topic of one partition, "<prefix>tidemark.installation": its epoch, its lanes, and
// the number, class and begins of every topic; and whether it is a copy. docs/formats/kafka.md has the records.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rows.hpp"
#include "core/log/event_log.hpp"
#include "core/log/kafka/history.hpp"
#include "core/log/log_copy.hpp"

namespace tidemark::log::kafka {

/// Where the positions of a topic begin in a lane: what lies at `offset` or behind it has `tmseq` or a later one. Without it: 0 at 0.
struct Origin {
  std::uint64_t tmseq = 0;
  std::int64_t offset = 0;
};
using LaneOrigins = std::map<std::uint32_t, Origin>;
using Origins = std::map<std::string, LaneOrigins, std::less<>>;  ///< by topic

struct Installation {
  Uuid epoch;
  std::uint32_t lanes = 0;
  std::string ring;               ///< id of the key ring; may be empty
  std::vector<TopicSpec> topics;  ///< by number
  Origins origins;
  std::optional<CopyMark> copy;
};

/// Reads and changes it. One thread at a time; several processes may.
class InstallationTopic {
 public:
  InstallationTopic(const ClientOptions& client, std::string prefix, History& history, rd_kafka_s* uncommitted, int replication, Duration patience)
      : client_(client), prefix_(std::move(prefix)), history_(history), uncommitted_(uncommitted), replication_(replication), patience_(patience) {}

  /// nullopt: there is none.
  Result<std::optional<Installation>> read();
  using Entries = std::vector<std::pair<std::string, std::string>>;  ///< key and value
  /// Asks `wanted` what to write, given what is there, and writes it with nobody between. What is there then.
  Result<Installation> change(FnRef<Result<Entries>(const std::optional<Installation>&)> wanted);

  static std::pair<std::string, std::string> entry(const Uuid& epoch, std::uint32_t lanes, const std::string& ring);
  static std::pair<std::string, std::string> entry(std::uint16_t number, const TopicSpec& spec);
  static std::pair<std::string, std::string> entry(const std::string& topic, const LaneOrigins& origins);
  static std::pair<std::string, std::string> entry(const CopyMark& mark);

 private:
  std::string name() const { return prefix_ + "tidemark.installation"; }

  const ClientOptions& client_;
  const std::string prefix_;
  History& history_;
  rd_kafka_s* uncommitted_;
  const int replication_;
  const Duration patience_;
};

}  // namespace tidemark::log::kafka
