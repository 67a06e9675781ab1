#include "core/http/client/url.hpp"

#include <algorithm>
#include <charconv>

#include "core/http/client/address.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kUrlBytesMax = 8u << 10;

Error bad(std::string what) { return make_error(Code::invalid_argument, "the URL " + std::move(what)); }

bool is_host_name(std::string_view host) {
  const bool characters = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  // A last label of digits would be read as a number by some and as a name by others.
  const auto last = host.substr(host.rfind('.') + 1);
  const bool numeric = std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; }) || last.starts_with("0x");
  return characters && !host.empty() && host.size() <= 253 && !numeric && host.front() != '.' && host.find("..") == host.npos;
}

}  // namespace

std::string CallUrl::authority() const {
  std::string text = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<CallUrl> parse_call_url(std::string_view url) {
  if (url.size() > kUrlBytesMax) return bad("is too long");
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= 0x20 || c >= 0x7f || c == '\\'; })) {
    return bad("has a space, a control character, a backslash or what is not ASCII");
  }
  CallUrl parsed;
  const auto scheme_end = url.find("://");
  std::string scheme(url.substr(0, scheme_end == url.npos ? 0 : scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (scheme != "https" && scheme != "http") return bad("is neither https nor http");
  parsed.tls = scheme == "https";
  parsed.port = parsed.tls ? 443 : 80;
  std::string_view rest = url.substr(scheme_end + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::string_view target = rest.substr(authority.size());
  target = target.substr(0, target.find('#'));
  if (authority.find('@') != authority.npos) return bad("has user information");
  std::string_view host = authority, port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == authority.npos) return bad("has a broken address");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad("has a broken address");
    if (host.find(':') == host.npos) return bad("has a broken address");
  } else if (const auto colon = authority.find(':'); colon != authority.npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!port.empty()) {
    const std::string_view digits = port.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
    if (error != std::errc() || end != digits.data() + digits.size() || parsed.port == 0) return bad("has a broken port");
  }
  parsed.host = host;
  std::transform(parsed.host.begin(), parsed.host.end(), parsed.host.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  parsed.is_address = parse_ip(parsed.host).has_value();
  if (!parsed.is_address && !is_host_name(parsed.host)) return bad("has no valid host");
  parsed.target = target.empty() || target.front() != '/' ? "/" + std::string(target) : std::string(target);
  return parsed;
}

}  // namespace tidemark::http
