#pragma once
// What the server counts. Handles are found when routes are mounted, so that a request costs no lookup. Loop's thread.

#include <array>
#include <cstddef>
#include <string>

#include "core/base/metrics.hpp"
#include "core/base/time.hpp"

namespace tidemark::http {

/// Of one route, or of what no route of a surface answers.
class RouteMetrics {
 public:
  RouteMetrics() = default;
  RouteMetrics(metrics::Registry* registry, const std::string& surface, const std::string& route, const std::string& method);
  /// `took` is from the complete head of the request to the head of the answer.
  void answered(int status, std::chrono::microseconds took) const;

 private:
  std::array<metrics::Counter, 5> classes_;  ///< by the first digit of the status
  metrics::Histogram seconds_;
};

/// The label of a surface; the platform's own has no name.
inline std::string surface_label(const std::string& name) { return name.empty() ? "platform" : name; }

class ServerMetrics {
 public:
  explicit ServerMetrics(metrics::Registry* registry);
  void connected(int connections) const { connections_.add(connections); }
  void streaming(int streams) const { streams_.add(streams); }
  void web_sockets(int sockets) const { web_sockets_.add(sockets); }
  void tls_failed() const { tls_failures_.add(); }
  void refused() const { refused_.add(); }
  void in_flight(int requests) const { in_flight_.add(requests); }
  void received(std::size_t bytes) const { received_.add(static_cast<double>(bytes)); }
  void sent(std::size_t bytes) const { sent_.add(static_cast<double>(bytes)); }

 private:
  metrics::Gauge connections_, in_flight_, streams_, web_sockets_;
  metrics::Counter tls_failures_, refused_, received_, sent_;
};

}  // namespace tidemark::http
