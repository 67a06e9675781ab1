#pragma once
// Outbound calls as the runtime asks for them: one attempt each. core/api joins this to the HTTP client; tests have their own.

#include <map>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "core/base/fn.hpp"
#include "core/base/time.hpp"

namespace tidemark::runtime {

struct OutboundCall {
  std::string method, url, content_type, body;
  std::map<std::string, std::string> headers;
  std::string signing;          ///< name of the receiver's signing secret; empty: not signed
  std::string idempotency_key;
  std::string traceparent;
  Duration deadline{};
};

struct OutboundAnswer {
  int status = 0;
  std::string body;
  std::optional<Duration> retry_after;
};

/// Makes one attempt; `done` exactly once, on the scheduler.
///   errors   invalid_argument (this call can never be made: bad URL, an address that is not allowed); exhausted (the answer is
///            over its limit); all else (no connection, TLS, deadline) may go better another time
class OutboundCalls {
 public:
  virtual ~OutboundCalls() = default;
  virtual void call(OutboundCall call, Fn<void(Result<OutboundAnswer>)> done) = 0;
};

}  // namespace tidemark::runtime
