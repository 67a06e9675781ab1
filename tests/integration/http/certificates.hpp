#pragma once
// Certificates for tests, made when they are needed.

#include <chrono>
#include <string>

#include "core/http/tls.hpp"

namespace tidemark::http::testing {

/// A directory of its own, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& content);
Time wall_now();

/// Writes a self-signed certificate for CN=`name` and its key (EC P-256) as <name>.crt and <name>.key.
TlsFiles make_certificate(const TemporaryDirectory& in, const std::string& name,
                          std::chrono::seconds from = std::chrono::hours(-1), std::chrono::seconds until = std::chrono::hours(24));

}  // namespace tidemark::http::testing
