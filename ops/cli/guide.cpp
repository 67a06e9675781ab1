#include "ops/cli/guide.hpp"

#include <unistd.h>

#include <cstdio>

#include "ops/cli/listen.hpp"

namespace tidemark::cli {
namespace {

std::string own_path() {
  char buffer[4096];
  const auto size = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string("tidemark");
}

}  // namespace

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' || c == '-';
  };
  bool safe = !text.empty();
  for (const char c : text) safe = safe && plain(c);
  if (safe) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out + "'";
}

void print_guide(const Guide& guide) {
  std::string main_url, out = "\nTidemark is ready.\n\n", under;
  for (const Guide::OfDomain& domain : guide.domains) under += (under.empty() ? "" : ", ") + domain.surface + " under /" + domain.surface;
  for (const http::BoundListener& bound : guide.bound) {
    const std::string url = url_of(bound.listener);
    const std::string& surface = bound.listener.surface;
    out += "  listening   " + url + (surface.empty() ? "  (main port; " + under + ")" : "  (" + surface + ")") + "\n";
    if (surface.empty() && main_url.empty()) main_url = url;
  }
  const auto url_of_surface = [&](const std::string& name) {
    for (const http::BoundListener& bound : guide.bound) {
      if (bound.listener.surface == name) return url_of(bound.listener);
    }
    return main_url.empty() ? std::string() : main_url + "/" + name;
  };
  out += "  data        " + guide.data + "\n";
  out += "  keys        " + guide.keys + "  (keep a copy elsewhere: without them the data cannot be used)\n";
  for (const Guide::OfDomain& domain : guide.domains) {
    for (const std::string& line : domain.instance->key_lines()) out += "  " + line + "\n";
  }
  out += "\nTry:\n\n";
  for (const Guide::OfDomain& domain : guide.domains) {
    const std::string url = url_of_surface(domain.surface);
    if (url.empty()) continue;
    for (const std::string& command : domain.instance->commands_to_try(url)) out += "  " + command + "\n";
  }
  if (!main_url.empty()) {
    out += "  " + shell_word(own_path()) + " tail --server " + main_url + " --keys " + shell_word(guide.keys) + "\n";
  }
  out += "\nStop with Ctrl-C.\n\n";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace tidemark::cli
