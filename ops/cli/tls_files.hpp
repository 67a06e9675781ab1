#pragma once
// The certificate of the node's TLS listeners: read at start, read again when asked or when its files have changed.

#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "core/http/tls.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

class TlsFilesWatch {
 public:
  /// nullopt when no certificate is set; invalid_argument naming the settings when only one of the two is.
  static Result<std::optional<TlsFilesWatch>> make(const Settings& settings);

  /// What the files hold now. A failure is not tried again before they change once more.
  Result<http::TlsIdentity> load(Time now);
  /// Have the files changed since load()? Also true once in twelve hours, so that no ticket key grows old.
  bool is_due(Time now) const;

 private:
  using Stamp = std::pair<std::timespec, std::timespec>;  ///< when each file was changed last
  Stamp stamp() const;

  http::TlsFiles files_;
  std::string where_;
  std::optional<Stamp> loaded_;
  Time loaded_at_{};
};

}  // namespace tidemark::cli
