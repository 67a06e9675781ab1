#include "replay/shadow/routes.hpp"

#include "replay/shadow/compare.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonDocument;

constexpr event::JsonLimits kBodyLimits{.bytes = 1u << 30, .depth = 64, .replace_lone_surrogates = true};

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  return segment;
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& values) {
  values.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern), given = next_segment(path);
    if (wanted.starts_with(":")) {
      if (given.empty()) return false;
      values.push_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

const Route* find_route(std::span<const Route> routes, const Request& request, std::vector<std::string_view>& values) {
  std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (!path.starts_with('/')) return nullptr;
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  const Route* best = nullptr;
  std::vector<std::string_view> found;
  for (const Route& route : routes) {
    if (route.method != method || !fits(route.path, path, found) || (best && found.size() >= values.size())) continue;
    best = &route;
    values = found;
  }
  return best;
}

std::optional<JsonDocument> json_of(const Message& message) {
  if (message.body.hashed || message.body.bytes.empty()) return std::nullopt;
  if (!is_json_type(message.header("content-type").value_or(""))) return std::nullopt;
  auto document = JsonDocument::parse(message.body.bytes, kBodyLimits);
  if (!document.ok()) return std::nullopt;
  return std::optional<JsonDocument>(std::move(*document));
}

}  // namespace tidemark::shadow
