#pragma once
// Joins the runtime's outbound calls to the HTTP client: names the call, traces it, and signs it when it is to be signed.

#include <functional>
#include <memory>
#include <string>

#include "core/http/client/client.hpp"
#include "core/runtime/outbound.hpp"

namespace tidemark::api {

/// The signing secrets of that name, raw bytes: the current one first, then those that receivers may still hold.
using SigningSecrets = std::function<Result<std::vector<std::string>>(std::string_view name)>;

/// Borrows client and scheduler.
std::unique_ptr<runtime::OutboundCalls> make_outbound_calls(http::Client& client, Scheduler& scheduler, SigningSecrets secrets);

/// Purpose of the MAC that a signing secret is: ring.mac(current key, kSigningPurpose, {name}).
inline constexpr std::string_view kSigningPurpose = "webhook";

}  // namespace tidemark::api
