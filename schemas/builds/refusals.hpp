#pragma once
// Why the builds domain says no: stable reason, HTTP status, default text. A route may have a text of its own.

#include <string_view>

namespace tidemark::schemas::builds {

struct RefusalSpec {
  std::string_view reason;
  int status;
  std::string_view text;
};

inline constexpr RefusalSpec kBuildNotFound{"BUILD_NOT_FOUND", 404, "Build not found"};
inline constexpr RefusalSpec kWorkerNotFound{"WORKER_NOT_FOUND", 404, "Worker not found"};
inline constexpr RefusalSpec kSourceMissing{"SOURCE_MISSING", 400, "Source file required"};
inline constexpr RefusalSpec kSourceTooLarge{"SOURCE_TOO_LARGE", 413, "Source file too large"};
inline constexpr RefusalSpec kCertsTooLarge{"CERTS_TOO_LARGE", 413, "Certs file too large"};
inline constexpr RefusalSpec kResultTooLarge{"RESULT_TOO_LARGE", 413, "Result file too large"};
inline constexpr RefusalSpec kSourceGone{"SOURCE_GONE", 400,
                                         "Original build source no longer available. Please submit a new build."};
inline constexpr RefusalSpec kBlobStillNeeded{"BLOB_STILL_NEEDED", 409, "The build has not ended and needs the file"};
inline constexpr RefusalSpec kBuildIdInvalid{"BUILD_ID_INVALID", 400, "Build id must be of letters, digits, _ and -"};
inline constexpr RefusalSpec kBuildIdTaken{"BUILD_ID_TAKEN", 409, "Build id already in use"};
inline constexpr RefusalSpec kNameOrCapabilitiesMissing{"NAME_OR_CAPABILITIES_MISSING", 400,
                                                        "Name and capabilities required"};
inline constexpr RefusalSpec kWorkerIdInvalid{"WORKER_ID_INVALID", 400,
                                              "Worker id must be of letters, digits, _ and -"};
inline constexpr RefusalSpec kWorkerTokenInvalid{"WORKER_TOKEN_INVALID", 401, "Authentication required"};
inline constexpr RefusalSpec kNotBuildOwner{"NOT_BUILD_OWNER", 403, "Build not assigned to this worker"};
inline constexpr RefusalSpec kStaleAttempt{"STALE_ATTEMPT", 403, "Build not assigned to this worker"};
inline constexpr RefusalSpec kAlreadyFinished{"BUILD_ALREADY_FINISHED", 409, "Build already finished"};
/// A cancel has another status for the same reason.
inline constexpr RefusalSpec kCancelFinished{"BUILD_ALREADY_FINISHED", 400, "Build already finished"};
inline constexpr RefusalSpec kTelemetryInvalid{"TELEMETRY_INVALID", 400, "Invalid telemetry data"};
inline constexpr RefusalSpec kDiagnosticFieldsMissing{
    "DIAGNOSTIC_FIELDS_MISSING", 400, "Missing required fields: worker_id, status, duration_ms, checks"};
inline constexpr RefusalSpec kDiagnosticStatusInvalid{"DIAGNOSTIC_STATUS_INVALID", 400,
                                                      "Invalid status. Must be: healthy, warning, or critical"};
inline constexpr RefusalSpec kDiagnosticChecksInvalid{"DIAGNOSTIC_CHECKS_INVALID", 400, "checks must be an array"};
inline constexpr RefusalSpec kOtpNotConfigured{"OTP_NOT_CONFIGURED", 401, "No OTP configured for this build"};
inline constexpr RefusalSpec kOtpInvalid{"OTP_INVALID", 401, "Invalid OTP"};
inline constexpr RefusalSpec kOtpExpired{"OTP_EXPIRED", 401, "OTP expired"};
inline constexpr RefusalSpec kOtpSpent{"OTP_SPENT", 401, "OTP expired"};
/// The text says which row and why.
inline constexpr RefusalSpec kImportConflict{"IMPORT_CONFLICT", 409, "A row contradicts what is here"};
inline constexpr RefusalSpec kVmTokenNotIssued{"VM_TOKEN_NOT_ISSUED", 403,
                                               "VM token not issued. Authenticate first with OTP."};
inline constexpr RefusalSpec kVmTokenInvalid{"VM_TOKEN_INVALID", 403, "Invalid VM token"};

}  // namespace tidemark::schemas::builds
