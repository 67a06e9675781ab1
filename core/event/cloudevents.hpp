#pragma once
// The structured JSON mode of CloudEvents 1.0 (application/cloudevents+json): one JSON object with the attributes and the
// data. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
// And the attributes of its binary mode over HTTP, where they are headers:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/envelope.hpp"
#include "core/base/rows.hpp"
#include "core/event/field_error.hpp"

namespace tidemark::event {

class JsonNode;

inline constexpr std::string_view kCloudEventsMediaType = "application/cloudevents+json";
inline constexpr std::string_view kCloudEventsBatchMediaType = "application/cloudevents-batch+json";

/// Appends the event as one line without white space of its own. `data` goes in byte for byte and must be JSON, or
/// empty: then there is no data member.
void encode_cloudevent(const Envelope& envelope, std::string_view data, std::string& out);
std::string to_cloudevent(const Event& event);

/// Decodes a structured event; data is kept byte for byte. nullopt when anything is wrong, every fault appended to
/// `errors` with its pointer. Attributes with the value null are absent; unknown ones become extensions, as text.
/// `time` is used when the event has none.
std::optional<Event> from_cloudevent(std::string_view json, std::vector<FieldError>& errors, Time time = {});
/// The same from a value of a document, such as an item of a batch.
std::optional<Event> from_cloudevent(const JsonNode& node, std::vector<FieldError>& errors, Time time = {});

/// Text in an HTTP header, percent-encoded as the binary mode has it. nullopt for a '%' that begins no escape, and for what is
/// not UTF-8 once decoded.
std::optional<std::string> decode_header_value(std::string_view text);
std::string encode_header_value(std::string_view text);

/// Decodes the binary mode: `header` gives the value of the HTTP header "ce-<name>", percent-encoded as it was sent, or
/// nullopt. Attributes that this platform does not know are not asked for. Errors and `time` as above.
std::optional<Envelope> envelope_from_headers(FnRef<std::optional<std::string_view>(std::string_view name)> header,
                                              std::vector<FieldError>& errors, Time time = {});

}  // namespace tidemark::event
