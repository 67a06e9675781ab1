// GET / and what it loads. Everything is in the program, and nothing is loaded from elsewhere.

#include "commands/builds/endpoint/page.hpp"

#include <utility>

#include "commands/builds/endpoint/routes.hpp"
#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

/// Only files of this origin run, nothing is framed, and the browser itself refuses to turn text into markup.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

constexpr std::pair<std::string_view, const char*> kTypes[] = {
    {".html", "text/html; charset=utf-8"}, {".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"}};

http::Response file_answer(const http::Request& request, std::string_view name, std::string_view bytes) {
  http::Response response;
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) response.header("Content-Type", type);
  }
  std::string etag = "\"" + to_hex(sha256(bytes)).substr(0, 32) + "\"";
  const bool known = request.header("If-None-Match") == etag;
  response.header("ETag", std::move(etag)).header("Cache-Control", "no-cache").header("Content-Security-Policy", kPolicy);
  response.header("X-Content-Type-Options", "nosniff").header("Referrer-Policy", "no-referrer");
  if (known) response.status = 304;
  else response.body = std::string(bytes);
  return response;
}

}  // namespace

Task<http::Response> home(Api&, http::Request& request) {
  const auto address = request.target().substr(0, request.target().find('?'));
  if (address.ends_with("/" + std::string(kDomain))) {  // on the main port: without the slash the page's own addresses would lead elsewhere
    http::Response response;
    response.status = 308;
    response.header("Location", std::string(kDomain) + "/");
    co_return response;
  }
  co_return file_answer(request, "index.html", page_file("index.html").value());
}

Task<http::Response> page_part(Api&, http::Request& request) {
  const auto name = request.param("file");
  const auto bytes = page_file(name);
  if (!bytes) co_return fault_answer(http::Fault::not_found, "no such file", "");
  co_return file_answer(request, name, *bytes);
}

}  // namespace tidemark::commands::builds::endpoint
