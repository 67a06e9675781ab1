#pragma once
// A record of a commands topic that cannot be decided, as it is put aside in <domain>.dead-letters: why, and its bytes.
// Format: docs/formats/decisions.md.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/field_error.hpp"
#include "core/log/command_inbox.hpp"

namespace tidemark::runtime {

inline constexpr std::string_view kDeadCommandType = "tidemark.platform.DeadCommand.v1";
inline constexpr std::string_view kRejectCommandType = "tidemark.platform.RejectCommand.v1";  ///< the decision that records one

/// Why; a stable code.
namespace dead {
inline constexpr std::string_view kBadCloudEvent = "BAD_CLOUDEVENT";
inline constexpr std::string_view kOtherDomain = "OTHER_DOMAIN";
inline constexpr std::string_view kUnknownCommand = "UNKNOWN_COMMAND";
inline constexpr std::string_view kBadData = "BAD_DATA";
inline constexpr std::string_view kTooLarge = "TOO_LARGE";
inline constexpr std::string_view kIdReused = "ID_REUSED";
inline constexpr std::string_view kDeciderFailed = "DECIDER_FAILED";
inline constexpr std::string_view kBadProof = "BAD_PROOF";       ///< it says that a node forwarded it, and none did
inline constexpr std::string_view kUnreadable = "UNREADABLE";    ///< personal fields of a forwarded command, whose key is missing here
inline constexpr std::string_view kCut = "CUT";  ///< retention deleted records before they were read; there are no bytes
}  // namespace dead

struct DeadField {
  std::string pointer, message;
};
BOOST_DESCRIBE_STRUCT(DeadField, (), (pointer, message))

/// Bytes that are no UTF-8 are in the member of the same name with _base64.
struct DeadHeader {
  std::optional<std::string> name, name_base64, value, value_base64;
};
BOOST_DESCRIBE_STRUCT(DeadHeader, (), (name, name_base64, value, value_base64))

struct DeadCommand {
  std::string code;
  std::string reason;                     ///< one sentence
  std::vector<DeadField> errors;          ///< of BAD_DATA and some others
  std::optional<std::string> command_id;  ///< when it is a CloudEvent
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key, key_base64, value, value_base64;
  std::vector<DeadHeader> headers;
  std::optional<std::uint64_t> value_size;   ///< with the next: of a value too large to be kept whole. Its begin is
  std::optional<std::string> value_sha256;
};
BOOST_DESCRIBE_STRUCT(DeadCommand, (), (code, reason, errors, command_id, timestamp_ms, key, key_base64, value, value_base64, headers, value_size, value_sha256))

struct Rejection {
  std::string_view code;  ///< of those above
  std::string reason{};
  std::vector<event::FieldError> errors{};
  std::string command_id{};
  std::string forwarded{};  ///< id of the record, of a command that a node has forwarded
};
/// At most `bytes_max` bytes: of a record that does not fit, the begin of the value and of the headers.
std::string encode_dead_command(const Rejection& why, const log::OwnedRecord& record, std::size_t bytes_max);

}  // namespace tidemark::runtime
