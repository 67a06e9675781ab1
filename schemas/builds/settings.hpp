#pragma once
// Settings that decisions of the builds domain depend on, recorded with LaneTaken. Defaults are the contract's; ms and
// bytes.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string_view>

namespace tidemark::schemas::builds {

struct Settings {
  static constexpr std::string_view kDescription =
      "What decisions of the builds domain depend on; recorded with LaneTaken. Times in ms, sizes in "
      "bytes.";
  std::int64_t assigned_silence_ms = 600'000;      ///< allowed since assignment or last sign of life while `assigned`
  std::int64_t building_silence_ms = 300'000;      ///< the same while `building`
  std::int64_t late_success_ms = 86'400'000;       ///< after a timeout a success is still taken for so long
  std::int64_t worker_offline_ms = 300'000;        ///< without contact and live build a worker is offline
  std::int64_t worker_token_ms = 90'000;           ///< lifetime of a worker token
  std::int64_t worker_token_rotate_ms = 30'000;    ///< a poll rotates it when less is left
  std::int64_t otp_ms = 600'000;                   ///< lifetime of the one-time password, from assignment
  std::int64_t vm_token_ms = 7'200'000;            ///< lifetime of a VM token since its last use
  std::int64_t vm_token_max_ms = 14'400'000;       ///< and at most, since it was issued
  std::int64_t activity_mark_ms = 30'000;          ///< at most one last-seen mark per build in this time
  std::uint32_t attempts_max = 10;                 ///< a requeue after so many attempts fails the build
  bool requeue_on_timeout = false;                 ///< a timeout requeues instead of failing
  std::uint64_t source_bytes_max = 524'288'000;    ///< inclusive
  std::uint64_t certs_bytes_max = 10'485'760;      ///< inclusive
  std::uint64_t result_bytes_max = 1'073'741'824;  ///< inclusive
  std::uint64_t error_message_bytes_max = 262'144; ///< longer error messages are cut
  std::int64_t certs_kept_ms = 604'800'000;        ///< after the end of their build
  std::int64_t sources_kept_ms = 0;                ///< the same; 0: for ever
  std::int64_t results_kept_ms = 0;                ///< the same; 0: for ever
};
BOOST_DESCRIBE_STRUCT(Settings, (), (assigned_silence_ms, building_silence_ms, late_success_ms, worker_offline_ms,
                                     worker_token_ms, worker_token_rotate_ms, otp_ms, vm_token_ms, vm_token_max_ms,
                                     activity_mark_ms, attempts_max, requeue_on_timeout, source_bytes_max,
                                     certs_bytes_max, result_bytes_max, error_message_bytes_max, certs_kept_ms,
                                     sources_kept_ms, results_kept_ms))

}  // namespace tidemark::schemas::builds
