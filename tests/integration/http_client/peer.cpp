#include "tests/integration/http_client/peer.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "core/base/assert.hpp"

namespace tidemark::testing {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  ::BIO_free(bio);
  return text;
}

}  // namespace

Certificate make_certificate(const std::string& names, std::chrono::hours from, std::chrono::hours until) {
  const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(::EVP_EC_gen("P-256"), &::EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::X509_new(), &::X509_free);
  ::X509_set_version(certificate.get(), 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), std::chrono::seconds(from).count());
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), std::chrono::seconds(until).count());
  ::X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = ::X509_get_subject_name(certificate.get());
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  ::X509_set_issuer_name(certificate.get(), name);
  X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  ::X509_add_ext(certificate.get(), extension, -1);
  ::X509_EXTENSION_free(extension);
  TM_ASSERT(::X509_sign(certificate.get(), key.get(), ::EVP_sha256()) > 0, "the certificate could not be signed");
  BIO* certificate_text = ::BIO_new(::BIO_s_mem());
  BIO* key_text = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_X509(certificate_text, certificate.get());
  ::PEM_write_bio_PrivateKey(key_text, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(certificate_text), text_of(key_text)};
}

Peer::Peer(std::optional<Certificate> certificate) : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  if (certificate) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain(asio::buffer(certificate->certificate));
    tls_->use_private_key(asio::buffer(certificate->key), asio::ssl::context::pem);
  }
  port_ = acceptor_.local_endpoint().port();
  thread_ = std::thread([this] { run(); });
}

Peer::~Peer() {
  stopping_ = true;
  error_code ignored;
  tcp::socket(context_).connect(tcp::endpoint(asio::ip::address_v4::loopback(), port_), ignored);  // ends the accept
  thread_.join();
}

void Peer::then(Turn turn) {
  std::lock_guard lock(mutex_);
  turns_.push_back(std::move(turn));
}

std::vector<std::string> Peer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void Peer::run() {
  for (;;) {
    tcp::socket socket(context_);
    error_code error;
    acceptor_.accept(socket, error);
    if (stopping_ || error) return;
    ++connections_;
    if (!tls_) {
      serve(socket);
      continue;
    }
    asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) continue;
    serve(stream);
    stream.shutdown(error);
  }
}

template <class Stream>
void Peer::serve(Stream& stream) {
  std::string request;
  error_code error;
  const auto complete = [&] {
    const auto end = request.find("\r\n\r\n");
    if (end == request.npos) return false;
    const auto length = request.find("Content-Length: ");
    return length == request.npos || request.size() >= end + 4 + std::stoul(request.substr(length + 16));
  };
  char piece[4096];
  while (!complete()) {
    const auto size = stream.read_some(asio::buffer(piece), error);
    if (error) return;
    request.append(piece, size);
  }
  Turn turn{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (!turns_.empty()) {
      turn = std::move(turns_.front());
      turns_.pop_front();
    }
  }
  asio::write(stream, asio::buffer(turn.answer), error);
  if (turn.stall) stream.read_some(asio::buffer(piece), error);  // until the other side goes
}

}  // namespace tidemark::testing
