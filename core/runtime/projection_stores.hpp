#pragma once
// The directories of a projection: "projections/<name>-v<version>" and, for rebuilds of that version, the same with
// ".<generation>" from 2 on. The highest generation that has checkpoints holds the rows; a fold that has not come to its
// end has none, so whatever a crash leaves is told apart without another file.

#include <memory>
#include <string>
#include <vector>

#include "core/runtime/domain.hpp"
#include "core/store/store.hpp"

namespace tidemark::runtime {

/// Threads: any, for different stores.
class ProjectionStores {
 public:
  struct Opened {
    std::string name;
    std::shared_ptr<store::Store> store;
  };
  ProjectionStores(store::StoreFactory& factory, const ProjectionSpec& spec);

  /// The rows to serve: empty when there are none of this version. Other generations are removed.
  Result<Opened> open_current();
  /// An empty store, newer than `current`.
  Result<Opened> open_next(const std::string& current);
  /// Removes a store that is closed.
  Result<void> remove(const std::string& name) { return factory_.remove(name); }
  /// Removes what other versions have left, once this one can answer.
  Result<void> remove_other_versions();

 private:
  std::string name_of(std::uint64_t generation) const;
  store::StoreFactory& factory_;
  const std::string stem_;  ///< "projections/<name>-v"
  const std::string version_;
};

}  // namespace tidemark::runtime
