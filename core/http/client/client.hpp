#pragma once
// The outbound HTTP client: one call, one connection, everything bounded. For reactors; nothing else calls out.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/scheduler.hpp"
#include "core/http/client/address.hpp"
#include "core/http/http.hpp"
#include "core/http/server.hpp"

namespace tidemark::http {

struct ClientRequest {
  std::string method = "POST";
  std::string url;
  Headers headers;  ///< none that is_reserved_field(); a repeated one is sent as often
  std::string body;
  Duration deadline = std::chrono::seconds(10);  ///< of all of it: look-up, connection, TLS, request and answer
};

struct ClientAnswer {
  int status = 0;
  Headers headers;
  std::string body;
};

/// True for fields that frame the message or concern the connection (Host, Content-Length, Connection, ...): they are the client's.
bool is_reserved_field(std::string_view name);

/// Finds the addresses of a name; runs on the client's resolver executor and may block.
using ResolveName = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;

struct ClientOptions {
  std::vector<std::string> allowed_networks;  ///< that may be called although they are not public; plain http goes to these only
  std::string ca_file;                        ///< PEM; empty: the system's store
  std::size_t calls_max = 256;                ///< under way at once; above it: unavailable
  std::size_t answer_bytes_max = 64u << 10;
  ResolveName resolve;                        ///< empty: getaddrinfo
};

/// Certificates are verified for the URL's host (TLS 1.2 or later). Redirects are answers like others. Of the addresses that
/// a name has, those that are not allowed are passed over; the connection goes to an address that was checked.
///   threads   the loop's
class Client {
 public:
  virtual ~Client() = default;
  /// `done` exactly once, never inside call(), unless the loop ends before.
  ///   errors   invalid_argument (URL, header, or address that is not allowed), exhausted (the answer is too large), timed_out,
  ///            unavailable (name, connection, TLS or protocol failed; says which)
  virtual void call(ClientRequest request, Fn<void(Result<ClientAnswer>)> done) = 0;
};

/// Borrows loop and resolver, which must outlive all calls.
///   errors   invalid_argument (a network or the CA file)
Result<std::unique_ptr<Client>> make_client(AsioLoop& loop, Executor& resolver, ClientOptions options);

/// Retry-After in seconds or as a date (RFC 9110 section 10.2.3); nullopt when absent or malformed.
std::optional<Duration> retry_after(const Headers& headers, Time now);

}  // namespace tidemark::http
