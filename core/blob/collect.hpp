#pragma once
// Finds and removes files that nobody refers to. Pool threads.

#include <string>
#include <vector>

#include "core/blob/staging.hpp"

namespace tidemark::blob {

/// While it lives what is held, or was since it began, is not removed: whoever was asked about references before one came, and
/// removes after its holder has gone, takes nothing. One at a time.
class Collection {
 public:
  explicit Collection(std::shared_ptr<Area> area);
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;
  ~Collection();

 private:
  const std::shared_ptr<Area> area_;
};

struct Found {
  std::string name;        ///< hash, or private name
  bool is_older = false;   ///< than the limit asked for
};
Result<std::vector<std::string>> older_objects(const Area& area, Time limit);
Result<std::vector<Found>> private_files(const Area& area, Time limit);

/// Ends the removals of private files that a crash or a failure of the disk cut short, all that can be; the first error of the
/// others. During a collection, before it removes any.
Result<void> erase_removed(const Area& area);

/// Looks again, under the lock that gives files their addresses, whether it is older than the limit and not held, and takes it
/// from its address; what that takes of the disk's time is spent without a lock. Says whether it was removed.
bool remove_older_object(Area& area, const std::string& sha256, Time limit);
/// The same; without a limit of whatever age. The key in it is overwritten first.
bool remove_unused_private(Area& area, const std::string& name, std::optional<Time> limit);
/// Overwrites the key in its header, then removes it. Missing is fine.
Result<void> remove_with_key(const std::string& path);
/// Removes it in any case, with its key. Missing is fine.
Result<void> erase_private(const Area& area, const std::string& name);

}  // namespace tidemark::blob
