#include "core/http/http_metrics.hpp"

#include <algorithm>

namespace tidemark::http {

RouteMetrics::RouteMetrics(metrics::Registry* registry, const std::string& surface, const std::string& route, const std::string& method)
    : seconds_(registry,
               {"tidemark_http_request_seconds", "From the complete head of a request to the head of its answer",
                {{"surface", surface}, {"route", route}, {"method", method}}},
               metrics::time_bounds()) {
  constexpr std::array kClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    classes_[i] = metrics::Counter(registry, {"tidemark_http_requests_total", "Requests answered",
                                              {{"surface", surface}, {"route", route}, {"method", method}, {"status", kClasses[i]}}});
  }
}

void RouteMetrics::answered(int status, std::chrono::microseconds took) const {
  classes_[static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1)].add();
  seconds_.observe(std::chrono::duration<double>(took).count());
}

ServerMetrics::ServerMetrics(metrics::Registry* registry)
    : connections_(registry, {"tidemark_http_connections", "Open connections"}),
      in_flight_(registry, {"tidemark_http_requests_in_flight", "Requests whose answer has not begun"}),
      streams_(registry, {"tidemark_http_streams", "Answers being streamed, Server-Sent Events among them"}),
      web_sockets_(registry, {"tidemark_http_web_sockets", "Open WebSockets"}),
      tls_failures_(registry, {"tidemark_http_tls_handshake_failures_total", "TLS handshakes that did not get through"}),
      refused_(registry, {"tidemark_http_refused_connections_total", "Connections told 503 or closed because there were too many"}),
      received_(registry, {"tidemark_http_received_bytes_total", "Bytes read from clients"}),
      sent_(registry, {"tidemark_http_sent_bytes_total", "Bytes given to the kernel for clients"}) {}

}  // namespace tidemark::http
