#pragma once
// A command on its way from the node that was asked to the owner of its lane: a record of <domain>.commands that says who sent it, and
// proves that a node wrote it (docs/formats/kafka.md, ADR 0018). Its personal fields are sealed as in every record.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/runtime/dead_command.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/node_proof.hpp"

namespace tidemark::runtime {

/// Milliseconds since 1970, in decimal: past this a command is refused as EXPIRED.
inline constexpr std::string_view kNotAfterHeader = "tidemark-not-after";
/// What the command expects of a stream, JSON.
inline constexpr std::string_view kExpectedHeader = "tidemark-expected";
/// A record with this is a forwarded command, or is none at all.
inline constexpr std::string_view kProofHeader = "tidemark-node-proof";

/// What the owner says of a command whose `expected` did not hold: a decision that is not remembered.
inline constexpr std::string_view kVersionConflict = "VERSION_CONFLICT";
inline constexpr std::string_view kExpired = "EXPIRED";
/// The reply in that decision.
struct PresentVersion {
  std::optional<std::uint64_t> version;  ///< absent: the stream has no event
};
BOOST_DESCRIBE_STRUCT(PresentVersion, (), (version))

/// Where a command is forwarded: another log or domain takes no proof of this one.
struct ForwardPlace {
  const DomainRuntime& domain;
  const Uuid& log_epoch;
  const NodeProof& proof;
};

/// `request` has a command id; `record_id` is drawn for each record. Throws KeysUnavailable.
Result<log::OwnedRecord> make_forwarded(const ForwardPlace& place, const CommandRequest& request, const DecodedCommand& command,
                                        const std::string& record_id, const std::string& node_id, Time now, Time not_after);

struct ForwardedCommand {
  CommandRequest request;  ///< keyed: whatever is sent on is looked for by its id
  std::string record_id;
};
/// Of a record with a proof.
std::variant<ForwardedCommand, Rejection> read_forwarded(const ForwardPlace& place, const log::OwnedRecord& record);

}  // namespace tidemark::runtime
