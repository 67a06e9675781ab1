#pragma once
// The structured JSON mode of CloudEvents 1.0 (application/cloudevents+json): one JSON object with the attributes and the
// data. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/envelope.hpp"
#include "core/event/field_error.hpp"

namespace tidemark::event {

inline constexpr std::string_view kCloudEventsMediaType = "application/cloudevents+json";

/// Appends the event as one line without white space of its own. `data` goes in byte for byte and must be JSON, or
/// empty: then there is no data member.
void encode_cloudevent(const Envelope& envelope, std::string_view data, std::string& out);
std::string to_cloudevent(const Event& event);

/// Decodes a structured event; data is kept byte for byte. nullopt when anything is wrong, every fault appended to
/// `errors` with its pointer. Attributes with the value null are absent; unknown ones become extensions, as text.
/// `time` is used when the event has none.
std::optional<Event> from_cloudevent(std::string_view json, std::vector<FieldError>& errors, Time time = {});

}  // namespace tidemark::event
