#pragma once
// Rows of read models as an export needs them: those of a running node, or those of a node that is stopped.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/task.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::replay {

class ReadModels {
 public:
  virtual ~ReadModels() = default;
  /// Waits until the model has applied `needed`, as far as it reads those topics.
  ///   errors   timed_out; unavailable: it stands at an event that it cannot apply
  virtual Task<Result<void>> wait(std::string model, runtime::Position needed, Duration patience) = 0;
  /// Its rows now, unchanging while they are held.
  virtual std::shared_ptr<const RowReader> rows(std::string_view model) = 0;
};

/// Borrowed node; called on its scheduler.
std::unique_ptr<ReadModels> models_of_node(runtime::Node& node);

/// Brings the state and those models of a domain up to the end of the log, from what the stores hold. No node may run on them.
/// Everything is borrowed. Blocks.
///   errors   not_found: no such model; unavailable: a model stands at an event that it cannot apply (names it); those of stores and log
Result<std::unique_ptr<ReadModels>> models_of_stopped_node(const runtime::Domain& domain, const std::vector<std::string>& models, log::EventLog& log,
                                                           store::StoreFactory& stores, const runtime::NodeOptions& options);

}  // namespace tidemark::replay
