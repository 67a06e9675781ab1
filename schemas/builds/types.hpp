#pragma once
// Words of the builds contract: platforms, states, references to files. JSON member names are the C++ member names.

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/fields.hpp"

namespace tidemark::schemas::builds {

/// The boundary key of a command that names no pool.
inline constexpr std::string_view kDefaultPool = "default";

enum class Platform { ios, android };
BOOST_DESCRIBE_ENUM(Platform, ios, android)

enum class BuildStatus { pending, assigned, building, completed, failed, cancelled };
BOOST_DESCRIBE_ENUM(BuildStatus, pending, assigned, building, completed, failed, cancelled)

inline constexpr bool is_active(BuildStatus s) { return s == BuildStatus::assigned || s == BuildStatus::building; }
inline constexpr bool is_terminal(BuildStatus s) { return s >= BuildStatus::completed; }
std::string_view name_of(BuildStatus status);  ///< "pending", ...
std::string_view name_of(Platform platform);   ///< "ios", "android"
std::optional<Platform> parse_platform(std::string_view text);
std::optional<BuildStatus> parse_status(std::string_view text);

enum class WorkerStatus { idle, building, offline };
BOOST_DESCRIBE_ENUM(WorkerStatus, idle, building, offline)
std::string_view name_of(WorkerStatus status);

enum class LogLevel { info, warn, error, debug };
BOOST_DESCRIBE_ENUM(LogLevel, info, warn, error, debug)
std::string_view name_of(LogLevel level);
/// What a client may send: info, warn, error.
std::optional<LogLevel> parse_client_level(std::string_view text);

enum class BlobKind { source, certs, result };
BOOST_DESCRIBE_ENUM(BlobKind, source, certs, result)

/// By what right a command about a build or worker was issued; the endpoint has checked it.
enum class Credential {
  api_key,       ///< the shared key, with the worker id the caller named
  worker_token,  ///< a valid token of that worker
  vm_token,      ///< a valid token of the named attempt's VM
};
BOOST_DESCRIBE_ENUM(Credential, api_key, worker_token, vm_token)

struct BlobRef {
  static constexpr std::string_view kDescription =
      "A durable file. Sources and results are addressed by hash; certs are private to their build and "
      "stored under its id.";
  std::string sha256{};         ///< lower-case hex of the plain content
  std::uint64_t size = 0;       ///< bytes
  BlobKind kind = BlobKind::source;
  std::string declared_name{};  ///< as the client said; for display only, never a path
  std::string declared_type{};
  auto operator<=>(const BlobRef&) const = default;
};
BOOST_DESCRIBE_STRUCT(BlobRef, (), (sha256, size, kind, declared_name, declared_type))

struct LogEntry {
  static constexpr std::string_view kDescription = "A line of a build's log.";
  LogLevel level = LogLevel::info;
  std::string message{};
  auto operator<=>(const LogEntry&) const = default;
};
BOOST_DESCRIBE_STRUCT(LogEntry, (), (level, message))

/// `failure_code` of a failed build.
inline constexpr std::string_view kReportedFailure = "REPORTED";
inline constexpr std::string_view kTimedOutFailure = "TIMED_OUT";
inline constexpr std::string_view kAttemptsExhausted = "ATTEMPTS_EXHAUSTED";

/// What every route shows as the error of a cancelled build.
inline constexpr std::string_view kCancelledText = "Build cancelled by user";
/// Error message of a build that timed out after so long a silence.
std::string timeout_message(std::int64_t silent_ms);

}  // namespace tidemark::schemas::builds
