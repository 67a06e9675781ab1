#include "core/http/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>

namespace tidemark::http {
namespace {

constexpr std::string_view kProtocol = "\x08http/1.1";
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2; those of 1.3 are all good
constexpr unsigned char kSessionContext[] = "tidemark";

Error bad(std::string message) {
  // The newest entry of OpenSSL's queue says why, in words for people who know it.
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  if (reason != nullptr) message += std::string(" (") + reason + ")";
  return make_error(Code::invalid_argument, std::move(message));
}

/// nullptr, or why `path` cannot be read.
const char* unreadable(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return std::strerror(errno);
  std::fclose(file);
  return nullptr;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned int offered_size,
                    void*) {
  const auto* ours = reinterpret_cast<const unsigned char*>(kProtocol.data());
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned int>(kProtocol.size()), offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// A key under a passphrase is refused instead of asking at a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

std::shared_ptr<SSL_CTX> make_context() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  TM_ASSERT(context != nullptr, "OpenSSL makes contexts");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // Idle connections hold no record buffers; a write may go on from another place in memory.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets keep sessions at the client
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  TM_ASSERT(SSL_CTX_set_cipher_list(context.get(), kCiphers) == 1, "OpenSSL knows these ciphers");
  return context;
}

Time time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return {};
  return from_ms(static_cast<std::int64_t>(::timegm(&fields)) * 1000);
}

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Result<TlsIdentity> load_tls_identity(const TlsFiles& files, Time now) {
  ERR_clear_error();
  for (const std::string& path : {files.certificate, files.key}) {
    if (const char* why = unreadable(path)) return make_error(Code::invalid_argument, "cannot read " + path + ": " + why);
  }
  TlsIdentity identity;
  identity.context = make_context();
  SSL_CTX* context = identity.context.get();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return bad(files.certificate + " holds no usable certificate in PEM form");
  }
  const X509* certificate = SSL_CTX_get0_certificate(context);
  identity.subject = subject_of(certificate);
  identity.valid_until = time_of(X509_get0_notAfter(certificate));
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH) {
      return bad(files.key + " holds no usable private key in PEM form without a passphrase");
    }
    return bad("the key in " + files.key + " does not belong to the certificate in " + files.certificate);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return bad("the key in " + files.key + " does not belong to the certificate in " + files.certificate);
  }
  if (const Time from = time_of(X509_get0_notBefore(certificate)); now < from) {
    return bad("the certificate in " + files.certificate + " is not valid before " + to_rfc3339(from));
  }
  if (now >= identity.valid_until) {
    return bad("the certificate in " + files.certificate + " expired at " + to_rfc3339(identity.valid_until));
  }
  return identity;
}

}  // namespace tidemark::http
