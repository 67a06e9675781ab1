#pragma once
// Certificates of TLS listeners. TLS 1.2 (ECDHE with AES-GCM or ChaCha20 only) and 1.3; ALPN http/1.1; session tickets, whose keys
// live as long as the identity.

#include <memory>
#include <string>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

struct ssl_ctx_st;

namespace tidemark::http {

struct TlsFiles {
  std::string certificate;  ///< PEM: the server's certificate first, then those of its issuers
  std::string key;          ///< PEM, not encrypted
};

/// A certificate with its key, ready for use; cheap to copy.
struct TlsIdentity {
  std::shared_ptr<ssl_ctx_st> context;  ///< for core/http
  std::string subject;                  ///< as OpenSSL writes it, for a person
  Time valid_until{};
};

/// Reads both files, on the calling thread.
///   errors  invalid_argument naming the file: it cannot be read or parsed, the key belongs to another certificate, or the
///           certificate is not valid at `now`
Result<TlsIdentity> load_tls_identity(const TlsFiles& files, Time now);

}  // namespace tidemark::http
