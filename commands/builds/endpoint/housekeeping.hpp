#pragma once
// Files that nobody needs any more. The log decides (PurgeBlob), this deletes: certificates as soon as their purge is recorded,
// sources and results when no build refers to them, and what an upload left that never became a build.
//
// A pass asks the owner's state, which is the log's end under the lease, about each file found. A node that does not own it asks
// what it knows of the log, about the copies that it has; without either, nothing is removed. A file that is unreferenced and older
// than `orphan_age` goes, unless a request that may yet refer to it holds it (BlobStore::hold). A crash anywhere leaves files for the next pass, never a reference without its file.

#include <memory>

#include "commands/builds/endpoint/registration.hpp"

namespace tidemark::commands::builds::endpoint {

struct HousekeepingOptions {
  Duration interval = std::chrono::seconds(60);   ///< between passes when nothing is purged
  Duration orphan_age = std::chrono::hours(1);
  /// Sources and results are listed at most so often, unless one was purged.
  Duration listing_interval = std::chrono::minutes(10);
};

/// One per process. Scheduler's thread.
class Housekeeping {
 public:
  virtual ~Housekeeping() = default;  ///< passes under way end on their own
};

/// Begins at once and waits until the node is ready. Services outlive the last event of the scheduler; its destruction ends it.
std::unique_ptr<Housekeeping> keep_house(runtime::Node& node, blob::BlobStore& blobs, schemas::builds::Settings settings,
                                         HousekeepingOptions options);

}  // namespace tidemark::commands::builds::endpoint
