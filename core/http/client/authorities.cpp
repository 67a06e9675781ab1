#include "core/http/client/authorities.hpp"

#include <boost/asio/ssl.hpp>

namespace tidemark::http {

Result<void> trust_authorities(boost::asio::ssl::context& tls, const std::string& ca_file) {
  boost::system::error_code error;
  if (ca_file.empty()) tls.set_default_verify_paths(error);
  else tls.load_verify_file(ca_file, error);
  if (error) {
    return make_error(Code::invalid_argument, "certificates of authorities cannot be read from " + (ca_file.empty() ? "the system's store" : ca_file) + ": " + error.message());
  }
  tls.set_verify_mode(boost::asio::ssl::verify_peer);
  ::SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  return {};
}

}  // namespace tidemark::http
