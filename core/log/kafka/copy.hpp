#pragma once
// The log on Kafka as the target of a copy.

#include "core/log/kafka/installation.hpp"
#include "core/log/kafka/shared.hpp"
#include "core/log/log_copy.hpp"

namespace tidemark::log::kafka {

/// Whether the installation may be opened as `options.copy_of` says.
///   errors   unavailable (incomplete), invalid_argument (no copy, or one of another log)
Result<void> check_copy(const Installation& installation, const KafkaLogOptions& options);

class KafkaCopy {
 public:
  /// `shared` outlives it.
  KafkaCopy(Shared& shared, Uuid epoch, CopyMark mark) : shared_(shared), epoch_(epoch), mark_(mark) {}

  CopyMark mark() const { return mark_; }
  Result<void> set_complete(bool complete);
  Result<void> begin_at(const std::vector<Beginning>& beginnings);

 private:
  Result<void> write(FnRef<InstallationTopic::Entries(const Installation&)> entries);

  Shared& shared_;
  const Uuid epoch_;
  CopyMark mark_;
};

}  // namespace tidemark::log::kafka
