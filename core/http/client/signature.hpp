#pragma once
// Signatures of outbound calls, in the form of the Standard Webhooks specification (docs/formats/webhook-signature.md).

#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/http/http.hpp"

namespace tidemark::http {

/// Fields webhook-id, webhook-timestamp and webhook-signature for a body: a signature by each secret (24 to 64 raw bytes), so
/// that a receiver may hold the old or the new one while it is exchanged.
Headers webhook_signature(const std::vector<std::string>& secrets, std::string_view id, Time now, std::string_view body);

/// How the secret is handed to the receiver: "whsec_" and base64.
std::string webhook_secret_text(std::string_view secret);

}  // namespace tidemark::http
