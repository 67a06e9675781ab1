#include "core/http/router.hpp"

#include <algorithm>

namespace tidemark::http {
namespace {

constexpr unsigned bit(Method method) { return 1u << static_cast<unsigned>(method); }

}  // namespace

struct Router::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> parameter;
  std::array<std::unique_ptr<RoutedRoute>, kMethods> routes;

  const Node* literal(std::string_view segment) const {
    for (const auto& [text, child] : literals) {
      if (text == segment) return child.get();
    }
    return nullptr;
  }
};

Router::Router(std::vector<Route> routes, const std::string& surface, metrics::Registry* registry) : root_(std::make_unique<Node>()) {
  for (Route& route : routes) {
    TM_ASSERT(!route.pattern.empty() && route.pattern.front() == '/', "a route's pattern begins with '/'");
    if (route.name.empty()) route.name = route.pattern;
    Node* node = root_.get();
    std::vector<std::string> parameters;
    std::string_view rest = std::string_view(route.pattern).substr(1);
    if (rest.ends_with('/')) {
      rest.remove_suffix(1);
      route.options.allow_trailing_slash = true;
    }
    while (!rest.empty()) {
      const auto end = std::min(rest.find('/'), rest.size());
      const std::string_view segment = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (segment.starts_with(':')) {
        parameters.emplace_back(segment.substr(1));
        if (!node->parameter) node->parameter = std::make_unique<Node>();
        node = node->parameter.get();
      } else {
        const Node* found = node->literal(segment);
        if (found == nullptr) {
          node->literals.emplace_back(segment, std::make_unique<Node>());
          found = node->literals.back().second.get();
        }
        node = const_cast<Node*>(found);
      }
    }
    auto& slot = node->routes[static_cast<std::size_t>(route.method)];
    TM_ASSERT(!slot, "two routes with the same method and pattern");
    RouteMetrics counted(registry, surface, route.name, std::string(name_of(route.method)));
    slot = std::make_unique<RoutedRoute>(RoutedRoute{std::move(route), std::move(parameters), counted});
  }
}

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

bool Router::walk(const Node& node, Method method, const DecodedPath& path, std::size_t at, RouteMatch& match, bool literals_win) const {
  if (at == path.segments.size()) {
    for (std::size_t i = 0; i < kMethods; ++i) {
      const auto& candidate = node.routes[i];
      if (!candidate || (path.trailing_slash && !candidate->route.options.allow_trailing_slash)) continue;
      match.path_known = true;
      match.methods |= 1u << i;
    }
    const auto usable = [&](Method wanted) -> const RoutedRoute* {
      const auto& candidate = node.routes[static_cast<std::size_t>(wanted)];
      if (!candidate || (path.trailing_slash && !candidate->route.options.allow_trailing_slash)) return nullptr;
      return candidate.get();
    };
    match.route = usable(method);
    if (match.route == nullptr && method == Method::head) match.route = usable(Method::get);
    return match.route != nullptr;
  }
  const std::string_view segment = path.segments[at];
  if (const Node* next = node.literal(segment)) {
    if (walk(*next, method, path, at + 1, match, literals_win)) return true;
    if (literals_win && match.path_known) return false;
  }
  if (node.parameter && !segment.empty()) {
    match.captured.push_back(segment);
    if (walk(*node.parameter, method, path, at + 1, match, literals_win)) return true;
    match.captured.pop_back();
  }
  return false;
}

void Router::find(Method method, const DecodedPath& path, std::size_t first_segment, RouteMatch& match, bool literals_win) const {
  match.route = nullptr;
  match.path_known = false;
  match.methods = 0;
  match.captured.clear();
  walk(*root_, method, path, first_segment, match, literals_win);
}

std::string allow_header(unsigned methods, bool with_options) {
  if ((methods & bit(Method::get)) != 0) methods |= bit(Method::head);
  if (with_options) methods |= bit(Method::options);
  std::string out;
  for (std::size_t i = 0; i + 1 < kMethods; ++i) {
    if ((methods & (1u << i)) == 0) continue;
    if (!out.empty()) out += ", ";
    out += name_of(static_cast<Method>(i));
  }
  return out;
}

}  // namespace tidemark::http
