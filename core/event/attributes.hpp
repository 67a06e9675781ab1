#pragma once
// The attributes of an Envelope by name, shared by its two written forms (record.cpp, cloudevents.cpp).

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/event/envelope.hpp"

namespace tidemark::event::detail {

inline constexpr std::string_view kSpecVersion = "1.0";
inline constexpr std::string_view kJsonContentType = "application/json";
inline constexpr std::string_view kCloudEventsContentType = "application/cloudevents+json";

enum class AttributeKind : unsigned char { text, time, recordedtime, sequence, tmseq, tmdecision };

struct Attribute {
  std::string_view header;  // "ce_id"
  AttributeKind kind;
  std::string Envelope::*text;
  constexpr std::string_view name() const { return header.substr(3); }
};

// In the order in which they are written. docs/formats/envelope.md describes each.
inline constexpr std::array kAttributes{
    Attribute{"ce_id", AttributeKind::text, &Envelope::id},
    Attribute{"ce_source", AttributeKind::text, &Envelope::source},
    Attribute{"ce_type", AttributeKind::text, &Envelope::type},
    Attribute{"ce_subject", AttributeKind::text, &Envelope::subject},
    Attribute{"ce_time", AttributeKind::time, nullptr},
    Attribute{"ce_dataschema", AttributeKind::text, &Envelope::dataschema},
    Attribute{"ce_partitionkey", AttributeKind::text, &Envelope::partitionkey},
    Attribute{"ce_tmboundary", AttributeKind::text, &Envelope::boundary},
    Attribute{"ce_sequence", AttributeKind::sequence, nullptr},
    Attribute{"ce_correlationid", AttributeKind::text, &Envelope::correlationid},
    Attribute{"ce_causationid", AttributeKind::text, &Envelope::causationid},
    Attribute{"ce_commandid", AttributeKind::text, &Envelope::commandid},
    Attribute{"ce_recordedtime", AttributeKind::recordedtime, nullptr},
    Attribute{"ce_traceparent", AttributeKind::text, &Envelope::traceparent},
    Attribute{"ce_tenant", AttributeKind::text, &Envelope::tenant},
    Attribute{"ce_actor", AttributeKind::text, &Envelope::actor},
    Attribute{"ce_tmseq", AttributeKind::tmseq, nullptr},
    Attribute{"ce_tmdecision", AttributeKind::tmdecision, nullptr},
    Attribute{"ce_tmkey", AttributeKind::text, &Envelope::tmkey},
};
static_assert(kAttributes.size() <= 32, "a bit each in the decoders' sets of what was seen");

/// Index in kAttributes, or its size. `hint` is tried first.
std::size_t find_attribute(std::string_view name, std::size_t hint);

/// Sets the attribute from its text. What was expected ("must be ...") when it is malformed, "" when it was not.
std::string_view set_attribute(Envelope& envelope, const Attribute& attribute, std::string_view value);

/// True when the attribute has a value to write.
bool has_attribute(const Envelope& envelope, const Attribute& attribute);
/// Appends the text of an attribute that is no plain text; times are the caller's, who may have them at hand.
void append_number(const Envelope& envelope, const Attribute& attribute, std::string& out);

/// True for names that CloudEvents gives a meaning of its own, so that no extension may have them.
bool is_reserved(std::string_view name);
/// application/json or something/...+json, with any parameters; not CloudEvents' own.
bool is_json_content_type(std::string_view type);
bool is_cloudevents_content_type(std::string_view type);

}  // namespace tidemark::event::detail
