#include "ops/cli/guide.hpp"

#include <unistd.h>

#include <cstdio>

#include "ops/cli/listen.hpp"

namespace tidemark::cli {
namespace {

/// `text` for a POSIX shell, quoted only when it must be.
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

std::string own_path() {
  char buffer[4096];
  const auto size = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string("tidemark");
}

}  // namespace

void print_guide(const Guide& guide) {
  std::string main_url, builds_url, out = "\nTidemark is ready.\n\n";
  for (const http::BoundListener& bound : guide.bound) {
    const std::string url = url_of(bound.listener);
    const std::string& surface = bound.listener.surface;
    out += "  listening   " + url + (surface.empty() ? "  (main port; builds under /builds)" : "  (" + surface + ")") + "\n";
    if (surface.empty() && main_url.empty()) main_url = url;
    if (surface == "builds" && builds_url.empty()) builds_url = url;
  }
  if (builds_url.empty() && !main_url.empty()) builds_url = main_url + "/builds";
  out += "  data        " + guide.data + "\n";
  out += "  keys        " + guide.keys + "  (keep a copy elsewhere: without them the data cannot be used)\n";
  out += "  builds API key   " +
         (guide.builds_api_key_path.empty() ? std::string("as given by the settings") : guide.builds_api_key) + "\n\nTry:\n\n";

  const std::string key = guide.builds_api_key_path.empty() ? "\"X-API-Key: $CONTROLLER_API_KEY\""
                                                            : "\"X-API-Key: $(cat " + shell_word(guide.builds_api_key_path) + ")\"";
  if (!builds_url.empty()) {
    out += "  echo demo | curl -sS -H " + key + " -F platform=ios -F 'source=@-;filename=app.zip' " + builds_url + "/api/builds/submit; echo\n";
    out += "  curl -sS -H " + key + " " + builds_url + "/api/builds; echo\n";
  }
  if (!main_url.empty()) {
    out += "  " + shell_word(own_path()) + " tail --server " + main_url + " --keys " + shell_word(guide.keys) + "\n";
  }
  out += "\nStop with Ctrl-C.\n\n";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace tidemark::cli
