#include "commands/builds/endpoint/certs_bundle.hpp"

#include "core/zip/archive.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr std::string_view kPassword = "password.txt";
constexpr std::string_view kP12 = ".p12";
constexpr std::string_view kProfile = ".mobileprovision";

bool is_wanted(std::string_view name) { return name == kPassword || name.ends_with(kP12) || name.ends_with(kProfile); }

/// What ECMAScript's trim() takes away: WhiteSpace and LineTerminator, the byte order mark among them.
constexpr std::string_view kSpaces[] = {
    "\t", "\n", "\v", "\f", "\r", " ", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"};

std::string trimmed(std::string_view text) {
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view space : kSpaces) {
      const bool leads = text.starts_with(space);
      if (leads) text.remove_prefix(space.size());
      const bool trails = text.ends_with(space);
      if (trails) text.remove_suffix(space.size());
      more = more || leads || trails;
    }
  }
  return std::string(text);
}

}  // namespace

Result<CertsBundle> open_certs_bundle(std::string_view archive) {
  CertsBundle bundle;
  bool has_p12 = false;
  const zip::Limits limits{.content_bytes_max = kBundleBytesMax};
  const auto wants = [](std::string_view name) { return is_wanted(name); };
  auto read = zip::read_archive(archive, limits, wants, [&](std::string_view name, std::string content) {
    if (name.ends_with(kP12)) {
      bundle.p12 = std::move(content);
      has_p12 = true;
    } else if (name.ends_with(kProfile)) {
      bundle.profiles.push_back(std::move(content));
    } else {
      bundle.password = trimmed(content);
    }
  });
  if (!read.ok()) return read.take_error();
  if (!has_p12) return make_error(Code::not_found, "it holds no .p12");
  return bundle;
}

}  // namespace tidemark::commands::builds::endpoint
