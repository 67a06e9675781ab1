#include "ops/cli/observers.hpp"

#include "core/observe/log.hpp"

namespace tidemark::cli {

void log_answer(const http::Exchange& exchange, bool every) {
  const std::string_view surface = exchange.surface.empty() ? "platform" : exchange.surface;
  if (!exchange.failure.empty()) {
    observe::error("request failed", {{"surface", surface}, {"route", exchange.route}, {"method", exchange.method},
                                      {"status", exchange.status}, {"trace_id", exchange.trace_id}, {"reason", exchange.failure}});
  } else if (every) {
    observe::info("request", {{"surface", surface}, {"route", exchange.route}, {"method", exchange.method},
                              {"status", exchange.status}, {"took_us", exchange.took.count()}, {"trace_id", exchange.trace_id}});
  }
}

void log_projection_fault(std::string_view projection, const runtime::ProjectionFault& fault) {
  observe::error("projection stopped at an event", {{"projection", projection}, {"topic", fault.topic}, {"lane", fault.lane.value},
                                                    {"tmseq", fault.at.value}, {"event_id", fault.event_id},
                                                    {"code", name_of(fault.error.code)}, {"reason", fault.error.message}});
}

void log_lane_not_taken(LaneId lane, const Error& why, unsigned times) {
  if (times % 16 != 1) return;
  observe::warning("lane not taken", {{"lane", lane.value}, {"times", times}, {"code", name_of(why.code)}, {"reason", why.message}});
}

}  // namespace tidemark::cli
