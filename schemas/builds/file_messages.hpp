#pragma once
// The end of a build's files: the command, the fact and the answer. Each build has references of its own, so that a retry keeps
// what its original loses; a file goes when no build refers to it any more, certificates with their build's.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/builds/topics.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

struct PurgeBlob {
  static constexpr std::string_view kDescription =
      "Takes a file from a build that has ended, when it has been kept as long as the settings say, or at once. Issued by the "
      "build's timer and by retention. Refused: BUILD_NOT_FOUND, BLOB_STILL_NEEDED (the build has not ended).";
  static constexpr std::string_view kType = "PurgeBlob";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  BlobKind kind = BlobKind::certs;
  bool at_once = false;                  ///< an operator's wish: however short a time it was kept
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(PurgeBlob, (), (build_id, kind, at_once, pool_id))

struct BlobPurged {
  static constexpr std::string_view kDescription =
      "The build has this file no more. Certificates are deleted, with their key; a source or result when no other build has it.";
  static constexpr std::string_view kType = "BlobPurged";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string sha256{};
  BlobKind kind = BlobKind::certs;
  std::string build_id{};
};
BOOST_DESCRIBE_STRUCT(BlobPurged, (), (pool_id, sha256, kind, build_id))

struct PurgedReply {
  static constexpr std::string_view kDescription = "Answer of PurgeBlob.";
  std::string build_id{};
  BlobKind kind = BlobKind::certs;
  bool purged = false;  ///< by this command; false: it has none, or it is not time yet
};
BOOST_DESCRIBE_STRUCT(PurgedReply, (), (build_id, kind, purged))

}  // namespace tidemark::schemas::builds
