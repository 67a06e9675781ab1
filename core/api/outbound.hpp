#pragma once
// Joins the runtime's outbound calls to the HTTP client: names the call, traces it, and signs it when it is to be signed.

#include <functional>
#include <memory>
#include <string>

#include "core/http/client/client.hpp"
#include "core/runtime/outbound.hpp"

namespace tidemark::api {

/// The signing secret of that name, 32 raw bytes.
using SigningSecret = std::function<Result<std::string>(std::string_view name)>;

/// Borrows client and scheduler.
std::unique_ptr<runtime::OutboundCalls> make_outbound_calls(http::Client& client, Scheduler& scheduler, SigningSecret secret);

/// Purpose of the MAC that a signing secret is: ring.mac(current key, kSigningPurpose, {name}).
inline constexpr std::string_view kSigningPurpose = "webhook";

}  // namespace tidemark::api
