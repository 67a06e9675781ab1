#pragma once
// The record of one decision in <domain>.decisions: audit trail, reply of a repeat, manifest of the commit.
// Format: docs/formats/decisions.md. The envelope's type is "tidemark.<domain>.CommandDecided.v1", its subject the command id.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/fields.hpp"
#include "core/runtime/input_position.hpp"

namespace tidemark::runtime {

struct DecidedCommand {
  std::string type;  ///< full type
  event::Json data;  ///< canonical JSON of the current version
};
BOOST_DESCRIBE_STRUCT(DecidedCommand, (), (type, data))

/// One line of the manifest. The event's id is derived from the command id and its index here, unless it is given.
struct DecidedEvent {
  std::string topic;
  std::uint64_t tmseq = 0;
  std::string type;
  std::string subject;
  std::optional<std::uint64_t> sequence;
  std::optional<std::string> id;
};
BOOST_DESCRIBE_STRUCT(DecidedEvent, (), (topic, tmseq, type, subject, sequence, id))

struct DecisionRecord {
  std::string verdict;                     ///< "accepted" or "refused"; of a command from Kafka also "nothing"
  DecidedCommand command;
  std::optional<std::string> fingerprint;  ///< hex, 32 bytes (docs/formats/decisions.md); present when the client named the command
  std::optional<std::string> reason;
  std::optional<std::string> detail;
  std::optional<int> status;
  std::optional<event::Json> reply;
  std::vector<DecidedEvent> events;
  std::string build;                       ///< of the node that decided
  std::string settings;                    ///< first 16 hex digits of SHA-256 of the settings document
  std::optional<InputPosition> input{};    ///< how far the commands topic has been read with this decision; absent when it came another way
  std::optional<std::string> forwarded{};  ///< id of the record by which another node forwarded the command
};
BOOST_DESCRIBE_STRUCT(DecisionRecord, (), (verdict, command, fingerprint, reason, detail, status, reply, events, build, settings, input, forwarded))

/// Data of tidemark.platform.LaneTaken.v1, which every owner writes before it serves.
struct LaneTaken {
  std::string node;
  std::uint64_t epoch = 0;  ///< fencing epoch of the ownership
  std::string build;
  event::Json settings;     ///< the domain's settings: what decisions use until the next LaneTaken
};
BOOST_DESCRIBE_STRUCT(LaneTaken, (), (node, epoch, build, settings))

inline constexpr std::string_view kLaneTakenType = "tidemark.platform.LaneTaken.v1";
inline constexpr std::string_view kTakeLaneType = "tidemark.platform.TakeLane.v1";
inline constexpr std::string_view kRenewLaneType = "tidemark.platform.RenewLane.v1";

std::string encode_decision(const DecisionRecord& record);
Result<DecisionRecord> decode_decision(std::string_view json);
std::string encode_lane_taken(const LaneTaken& taken);
Result<LaneTaken> decode_lane_taken(std::string_view json);

/// Id of the index-th event of a command.
std::string event_id_of(std::string_view command_id, std::size_t index);

}  // namespace tidemark::runtime
