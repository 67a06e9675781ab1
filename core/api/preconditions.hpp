#pragma once
// If-Match and If-None-Match on a command: the version that its sender expects of one stream.
//
//   If-Match: "7"        the last event of the stream has sequence 7       If-Match: *        it has events
//   If-None-Match: *     the stream has no event yet
//
// The stream is that of the subject named by the header Tidemark-Subject (percent-encoded UTF-8) or by the CloudEvent's
// `subject`; it must lie in the command's boundary, since the check and the decision are one step there. The entity tag of
// a stream is the sequence of its last event in quotes: what GET /streams and the answer to a command give as ETag.

#include <optional>
#include <string>
#include <string_view>

#include "core/http/http.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

struct Precondition {
  std::string subject;                                  ///< named by the request; empty: none
  std::optional<runtime::ExpectedVersion> expected;
};

/// Reads the headers into `out`, whose subject may be set already (from the CloudEvent). The refusal when they cannot be used.
std::optional<http::Response> read_precondition(const http::Request& request, Precondition& out);

/// "\"7\"".
std::string entity_tag(std::uint64_t version);
}  // namespace tidemark::api
