#include "ops/cli/listen.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace tidemark::cli {
namespace {

std::vector<std::string>& surfaces() {
  static std::vector<std::string> names;
  return names;
}

bool is_address(int family, const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

std::optional<std::string> address_of(std::string_view text) {
  if (text.empty() || text == "localhost") return "127.0.0.1";
  if (text == "*") return "0.0.0.0";
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    const std::string inner(text.substr(1, text.size() - 2));
    if (is_address(AF_INET6, inner)) return inner;
    return std::nullopt;
  }
  const std::string plain(text);
  if (is_address(AF_INET, plain)) return plain;
  return std::nullopt;
}

}  // namespace

void declare_surface(std::string name) { surfaces().push_back(std::move(name)); }

std::optional<ListenEntry> parse_listen(std::string_view text) {
  ListenEntry entry;
  if (text == "main=off") {
    entry.main_off = true;
    return entry;
  }
  if (const auto equals = text.find('='); equals != text.npos) {
    const std::string_view surface = text.substr(0, equals);
    if (std::find(surfaces().begin(), surfaces().end(), surface) == surfaces().end()) return std::nullopt;
    entry.listener.surface = surface;
    text = text.substr(equals + 1);
  }
  for (const auto& [scheme, tls] : {std::pair("http://", false), std::pair("https://", true)}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(std::string_view(scheme).size());
    entry.tls = entry.listener.tls = tls;
    break;
  }
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto address = address_of(text.substr(0, colon));
  if (!address) return std::nullopt;
  entry.listener.address = *address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), entry.listener.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  return entry;
}

Result<std::vector<http::Listener>> effective_listeners(const Settings& settings, const PortMeaning& meaning) {
  const Value& listen = settings.value("listen");
  const Value& port = settings.value("port");
  const bool has_certificate = settings.is_set("tls_certificate");
  std::vector<http::Listener> primary, others;
  bool main_off = false;
  for (const std::string& text : listen.texts) {
    auto entry = parse_listen(text);
    if (!entry) return bad_setting("listen", listen, kListenExpected);
    entry->listener.tls = entry->tls.value_or(has_certificate);
    if (entry->listener.tls && !has_certificate) return bad_setting("listen", listen, "https:// only with tls_certificate and tls_key");
    if (entry->main_off) main_off = true;
    else (entry->listener.surface == meaning.surface ? primary : others).push_back(entry->listener);
  }
  const auto is_main = [](const http::Listener& listener) { return listener.surface.empty(); };
  if (main_off && (std::any_of(primary.begin(), primary.end(), is_main) || std::any_of(others.begin(), others.end(), is_main))) {
    return bad_setting("listen", listen, "either main=off or a main port, not both");
  }
  const bool named = !primary.empty() || (main_off && meaning.surface.empty());
  if (named && port.origin != Origin::fallback && port.origin == listen.origin) {
    return bad_setting("port", port, "either this or an address for the same in listen (" + listen.where + "), not both");
  }
  if (!named || (port.origin != Origin::fallback && port.origin > listen.origin)) {
    http::Listener listener;
    listener.address = meaning.address;
    listener.port = static_cast<std::uint16_t>(settings.number("port"));
    listener.surface = meaning.surface;
    listener.tls = has_certificate;
    primary = {listener};
  }
  primary.insert(primary.end(), others.begin(), others.end());
  if (primary.empty()) return bad_setting("listen", listen, "at least one address to listen on");
  return primary;
}

std::string url_of(const http::Listener& listener) {
  std::string host = listener.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  else if (host == "::") host = "[::1]";
  else if (host.find(':') != host.npos) host = "[" + host + "]";
  return (listener.tls ? "https://" : "http://") + host + ":" + std::to_string(listener.port);
}

}  // namespace tidemark::cli
