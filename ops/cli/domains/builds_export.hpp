#pragma once
// The way back to the old build controller: its database and files, kept up to date beside a serving node, or made at a
// stopped one.

#include <memory>

#include "core/base/task.hpp"
#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {

/// Follows the log of a serving node into `builds.export_dir`.
class WarmExport {
 public:
  virtual ~WarmExport() = default;
  virtual void start() = 0;
  /// Exports what is there, within some seconds, and closes the files.
  virtual Task<void> stop() = 0;
};

/// invalid_argument, with the setting's name, when the directory holds something else, or an export of a log of another epoch
/// (null: not known yet).
Result<void> check_warm_export(const Settings& settings, const Uuid* log_epoch);
/// Null without `builds.export_dir`. Services are borrowed until stop() has ended.
std::unique_ptr<WarmExport> make_warm_export(const Settings& settings, const DomainServices& services);

/// `tidemark export builds`.
void add_builds_export(CLI::App& program, Chosen& chosen);

}  // namespace tidemark::cli
