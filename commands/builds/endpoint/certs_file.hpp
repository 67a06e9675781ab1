#pragma once
// A build's certificate bundle in the clear. Whoever takes it apart reads it here; the route that hands it out as it is streams it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "commands/builds/endpoint/api.hpp"

namespace tidemark::commands::builds::endpoint {

struct CertsFile {
  std::string plain;                      ///< the bytes as they were uploaded
  std::optional<http::Response> refusal;  ///< set: send this
};

/// Reads the bundle of a build whose caller the route has let in; at most `bytes_max` bytes.
///   refusals  404 "Certs not found" (none, purged, or the file is missing), 500 `failed` (damaged, over bytes_max, no key);
///             what should have been there and was not is logged and counted
Task<std::unique_ptr<CertsFile>> read_certs(Api& api, BuildRow build, std::uint64_t bytes_max, std::string_view failed);

}  // namespace tidemark::commands::builds::endpoint
