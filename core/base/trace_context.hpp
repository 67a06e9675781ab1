#pragma once
// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): the traceparent of a request, a command, an event.
//
// A node takes part in a trace: it keeps the trace id, names its own step with a fresh parent id and hands that on. It records
// no spans, so a trace that begins here is not sampled. tracestate is not carried: it is for the live neighbours of a call, and
// what a command carries stays in the log for ever.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

struct TraceContext {
  std::string trace_id;   ///< 32 lower-case hex digits, not all zero
  std::string parent_id;  ///< 16 lower-case hex digits, not all zero
  bool sampled = false;
};

/// nullopt when it is none; the trace must begin anew then. A later version is read as far as version 00 goes.
std::optional<TraceContext> parse_traceparent(std::string_view text);

/// Version 00, 55 characters.
std::string to_traceparent(const TraceContext& context);

/// The step that follows `parent`, or the first of a new trace. The randoms become its ids.
TraceContext next_step(const std::optional<TraceContext>& parent, std::uint64_t random_parent_id, std::uint64_t random_high,
                       std::uint64_t random_low);

}  // namespace tidemark
