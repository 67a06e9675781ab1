#pragma once
// Finds the route of a path in one surface: a trie of segments, in which a literal wins over a parameter.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http/http.hpp"
#include "core/http/http_metrics.hpp"
#include "core/http/uri.hpp"

namespace tidemark::http {

inline constexpr std::size_t kMethods = 8;  // of enum Method

/// A route with the names of its parameters in order.
struct RoutedRoute {
  Route route;
  std::vector<std::string> parameters;
  RouteMetrics metrics{};
};

struct RouteMatch {
  const RoutedRoute* route = nullptr;  ///< null: no route for path and method
  bool path_known = false;             ///< some method has a route for the path
  unsigned methods = 0;                ///< bit per Method that has a route for the path, when `route` is null
  std::vector<std::string_view> captured;  ///< values of the parameters in order; into the segments given
};

/// Immutable after construction; any thread.
class Router {
 public:
  /// Asserts that patterns begin with '/' and that no two routes have the same method and shape.
  /// `registry` (null: none) counts the routes as those of `surface`.
  explicit Router(std::vector<Route> routes, const std::string& surface = {}, metrics::Registry* registry = nullptr);
  ~Router();
  Router(Router&&) noexcept;

  /// A path that a literal segment matches for another method only is still looked for among the parameters, unless
  /// `literals_win`: then it has no route.
  /// Without a route of its own HEAD takes that of GET. `match` is overwritten.
  void find(Method method, const DecodedPath& path, std::size_t first_segment, RouteMatch& match, bool literals_win = false) const;

 private:
  struct Node;
  bool walk(const Node& node, Method method, const DecodedPath& path, std::size_t at, RouteMatch& match, bool literals_win) const;

  std::unique_ptr<Node> root_;
};

/// "GET, HEAD, POST" from a RouteMatch's methods: HEAD where GET is; OPTIONS when `with_options`.
std::string allow_header(unsigned methods, bool with_options);

}  // namespace tidemark::http
