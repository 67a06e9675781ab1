#pragma once
// Event topics of the builds domain. The boundary of all of them is the pool; the record key is finer on three.

#include <chrono>
#include <string_view>

namespace tidemark::schemas::builds {

inline constexpr std::string_view kDomainName = "builds";

inline constexpr std::string_view kLedgerTopic = "builds.ledger";      ///< fact, kept for ever; record key: the pool
inline constexpr std::string_view kLogsTopic = "builds.logs";          ///< fact, kept for ever; record key: the build
/// fact, kept for ever; record key: build or worker
inline constexpr std::string_view kSamplesTopic = "builds.samples";
inline constexpr std::string_view kActivityTopic = "builds.activity";  ///< ephemeral; record key: build or worker
/// Retention of builds.activity: longer than any silence that is allowed.
inline constexpr std::chrono::hours kActivityRetention{24};

}  // namespace tidemark::schemas::builds
