#include "ops/cli/tls_files.hpp"

#include <sys/stat.h>

#include "ops/cli/installation.hpp"

namespace tidemark::cli {
namespace {

constexpr Duration kTicketKeyLifetime = std::chrono::hours(12);

std::timespec changed_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return status.st_mtim;
}

bool same(const std::timespec& a, const std::timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

Result<std::optional<TlsFilesWatch>> TlsFilesWatch::make(const Settings& settings) {
  const Value& certificate = settings.value("tls_certificate");
  const Value& key = settings.value("tls_key");
  if (certificate.texts.empty() && key.texts.empty()) return std::optional<TlsFilesWatch>();
  if (key.texts.empty()) return bad_setting("tls_key", key, "a key file too, because tls_certificate is set (" + certificate.where + ")");
  if (certificate.texts.empty()) {
    return bad_setting("tls_certificate", certificate, "a certificate file too, because tls_key is set (" + key.where + ")");
  }
  TlsFilesWatch made;
  made.files_ = {absolute_path(certificate.texts.front()), absolute_path(key.texts.front())};
  made.where_ = "tls_certificate (" + certificate.where + "), tls_key (" + key.where + "): ";
  return std::optional(std::move(made));
}

TlsFilesWatch::Stamp TlsFilesWatch::stamp() const { return {changed_at(files_.certificate), changed_at(files_.key)}; }

Result<http::TlsIdentity> TlsFilesWatch::load(Time now) {
  loaded_ = stamp();
  loaded_at_ = now;
  auto identity = http::load_tls_identity(files_, now);
  if (!identity.ok()) return make_error(identity.error().code, where_ + identity.error().message);
  return identity;
}

bool TlsFilesWatch::is_due(Time now) const {
  const Stamp present = stamp();
  const bool changed = !loaded_ || !same(present.first, loaded_->first) || !same(present.second, loaded_->second);
  return changed || now >= loaded_at_ + kTicketKeyLifetime;
}

}  // namespace tidemark::cli
