#pragma once
// The independent model: it follows the log record by record, knows what every client was told, and says so when one of the platform's
// promises did not hold. What a domain's commands and events mean is known by a DomainModel; everything here is true of any.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/runtime/node.hpp"
#include "tests/sim/node/evidence.hpp"
#include "tests/sim/node/history.hpp"

namespace tidemark::sim {

/// A decision as the log has it.
struct DecisionEvidence {
  std::uint32_t lane = 0;
  std::uint64_t tmseq = 0;
  std::int64_t time_ms = 0;
  std::string command_id, actor, boundary;
  std::string verdict, reason, reply;
  std::string type;        ///< of the command
  JsonValue data;          ///< of the command
  bool keyed = false;
  struct Line {
    std::string topic, type, subject;
    std::uint64_t tmseq = 0;
    std::optional<std::uint64_t> sequence;
  };
  std::vector<Line> lines;
  std::vector<const Evidence*> events;
};

/// Decides every command of the log once more.
class DomainModel {
 public:
  virtual ~DomainModel() = default;
  /// In the order of decision. "" or what is wrong.
  virtual std::string decided(const DecisionEvidence& decision) = 0;
};

/// Records of one append of a lane.
struct AppendedTopic {
  std::string topic;
  std::string_view batch;
};

class Model {
 public:
  explicit Model(History& history) : history_(history) {}

  void add_domain(const std::string& name, DomainModel& model) { domains_[name] = &model; }

  // What the log says.

  /// An append became durable (committed), all of it.
  void appended(std::uint32_t lane, const std::vector<AppendedTopic>& parts);
  std::uint64_t end(const std::string& topic, std::uint32_t lane) const;
  /// What a recovered log holds of a partition, from `first` on: all that was durable must be there as it was, more may.
  void recovered(std::uint32_t lane, const std::string& topic, const std::vector<Evidence>& records, std::uint64_t first);

  // What clients are told.

  /// The answer to a command of a client; `keyed` commands are asked again and must be answered the same.
  void answered(const runtime::CommandRequest& request, const runtime::Outcome& outcome);
  /// Nobody has ever been told anything else of this id than that it was not applied.
  void never_applied(const std::string& command_id);
  const DecisionEvidence* decision(const std::string& command_id) const;
  std::size_t decisions() const { return by_command_.size(); }
  std::size_t records() const { return records_; }

 private:
  struct Partition {
    std::vector<std::unique_ptr<Evidence>> records;  ///< by tmseq
    std::int64_t last_ms = INT64_MIN;
    std::pair<std::uint64_t, std::int64_t> last_decision{0, -1};
  };
  void add(std::uint32_t lane, const std::string& topic, Evidence record);
  void decided(std::uint32_t lane, const std::string& domain, const Evidence& record);
  void wrong(const char* invariant, std::string detail) { history_.violated(invariant, std::move(detail)); }

  History& history_;
  std::map<std::string, DomainModel*> domains_;
  std::map<std::pair<std::string, std::uint32_t>, Partition> partitions_;
  std::set<std::string> event_ids_;
  std::map<std::string, std::uint64_t> streams_;  ///< domain, lane, subject: next version
  std::unordered_map<std::string, std::unique_ptr<DecisionEvidence>> by_command_;
  std::size_t records_ = 0;
};

}  // namespace tidemark::sim
