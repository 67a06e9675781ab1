#pragma once
// Signing material in a bundle of certificates: what a build's virtual machine is given instead of the archive.

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::commands::builds::endpoint {

struct CertsBundle {
  std::string p12;                    ///< the last entry that ends with .p12
  std::string password;               ///< of the entry password.txt, trimmed; empty without one
  std::vector<std::string> profiles;  ///< entries that end with .mobileprovision, in the order of the archive
};

/// Largest bundle that is opened, and the most that it may hold.
inline constexpr std::uint64_t kBundleBytesMax = 50u << 20;

/// Opens a bundle: a ZIP archive whose every entry must be sound.
///   errors   those of zip::read_archive(); not_found without a .p12
///   threads  any; blocks while it inflates
Result<CertsBundle> open_certs_bundle(std::string_view archive);

}  // namespace tidemark::commands::builds::endpoint
