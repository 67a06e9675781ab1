#include "core/base/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace tidemark {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::invalid_argument: return "invalid_argument";
    case Code::not_found: return "not_found";
    case Code::version_conflict: return "version_conflict";
    case Code::fenced: return "fenced";
    case Code::unavailable: return "unavailable";
    case Code::timed_out: return "timed_out";
    case Code::outcome_unknown: return "outcome_unknown";
    case Code::corrupt: return "corrupt";
    case Code::unsupported_version: return "unsupported_version";
    case Code::exhausted: return "exhausted";
    case Code::cancelled: return "cancelled";
    case Code::internal: return "internal";
    case Code::uninitialised: return "uninitialised";
  }
  return "internal";
}

std::string describe(const Error& error) { return std::string(name_of(error.code)) + ": " + error.message; }

void assertion_failed(const char* expression, const char* why, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s (%s) at %s:%d\n", expression, why, file, line);
  std::abort();
}

}  // namespace tidemark
