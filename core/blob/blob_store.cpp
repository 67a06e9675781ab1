#include "core/blob/blob_store.hpp"

#include <utility>

#include "core/base/disk.hpp"
#include "core/blob/collect.hpp"
#include "core/blob/file_store.hpp"

namespace tidemark::blob {

Result<std::unique_ptr<BlobStore>> make_blob_store(std::string directory, Scheduler& home, Executor& pool, const keys::KeyRing* ring,
                                                   metrics::Registry* registry, Sharing sharing) {
  if (auto made = make_posix_disk()->make_directories(directory); !made) return made.take_error();
  const bool shared = sharing.kind == Sharing::Kind::shared;
  TM_ASSERT(!shared || !sharing.node.empty(), "a node that shares has a name");
  auto area = std::make_shared<Area>(std::move(directory), shared ? std::move(sharing.node) : std::string());
  if (sharing.kind != Sharing::Kind::guarded) {
    auto taken = shared ? area->locks.take_shared(area->root, area->shared_by) : area->locks.take_alone(area->root);
    if (!taken) return taken.take_error();
  }
  for (const auto& path : {area->staging(), area->objects(), area->privates()}) {
    if (auto made = make_directory(path); !made) return made.take_error();
  }
  if (auto synced = sync_directory(area->root); !synced) return synced.take_error();
  auto left = list_directory(area->staging());
  if (!left) return left.take_error();
  for (const auto& name : *left) {
    const std::string path = area->staging() + "/" + name;
    if (auto removed = name.ends_with(kFramesSuffix) ? remove_with_key(path) : remove_file(path); !removed) return removed.take_error();
  }
  return std::unique_ptr<BlobStore>(std::make_unique<FileBlobStore>(
      StoreParts{std::move(area), std::make_shared<VerifiedFiles>(), &home, &pool, ring, BlobMetrics(registry)}));
}

}  // namespace tidemark::blob
