#include "core/event/cloudevents.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/event/attributes.hpp"
#include "core/event/json.hpp"

namespace tidemark::event {

using namespace detail;

namespace {

bool is_attribute_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

class Reader {
 public:
  explicit Reader(std::vector<FieldError>& errors) : errors_(errors) {}

  std::optional<Event> read(JsonNode root, Time time);

 private:
  void fail(std::string_view name, std::string_view message) {
    std::string pointer;
    append_pointer(pointer, name);
    errors_.push_back(FieldError{std::move(pointer), std::string(message)});
    failed_ = true;
  }
  void member(std::string_view name, JsonNode value);
  void reserved(std::string_view name, JsonNode value);

  std::vector<FieldError>& errors_;
  Event event_;
  std::size_t hint_ = 0;
  bool failed_ = false;
};

void Reader::reserved(std::string_view name, JsonNode value) {
  if (name == "specversion") {
    if (value.as_string() != kSpecVersion) fail(name, "must be \"1.0\"");
  } else if (name == "data") {
    event_.data.assign(value.raw());
  } else if (name == "data_base64") {
    fail(name, "is not accepted: data must be JSON, in the member data");
  } else {
    const auto type = value.as_string();
    if (!type || !is_json_content_type(*type)) fail(name, "must be application/json: data is JSON here");
  }
}

void Reader::member(std::string_view name, JsonNode value) {
  if (is_reserved(name)) {
    reserved(name, value);
    return;
  }
  const std::size_t index = find_attribute(name, hint_);
  if (index < kAttributes.size()) {
    hint_ = index + 1;
    const auto text = value.as_string();
    const std::string_view expected = text ? set_attribute(event_.envelope, kAttributes[index], *text) : "must be a string";
    if (!expected.empty()) fail(name, expected);
  } else if (!is_attribute_name(name)) {
    fail(name, "is not the name of an attribute: lower-case letters and digits only");
  } else if (const auto text = value.as_string()) {
    event_.envelope.extensions.emplace_back(name, *text);
  } else if (value.kind() == JsonKind::boolean || value.kind() == JsonKind::integer) {
    event_.envelope.extensions.emplace_back(name, value.raw());
  } else {
    fail(name, "must be a string, an integer or a boolean");
  }
}

std::optional<Event> Reader::read(JsonNode root, Time time) {
  if (!root.is_object()) {
    errors_.push_back(FieldError{"", "must be an object: a CloudEvent in structured mode"});
    return std::nullopt;
  }
  event_.envelope.time = time;
  std::vector<std::string_view> names;
  for (const auto& [name, value] : root.members()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      fail(name, "duplicate field");
      continue;
    }
    names.push_back(name);
    if (names.size() > kFieldErrorsMax) {  // looking for repeated names is quadratic; no event has so many attributes
      errors_.push_back(FieldError{"", "must have at most 100 members"});
      return std::nullopt;
    }
    if (!value.is_null() || name == "data") member(name, value);
  }
  for (const std::string_view name : {"specversion", "id", "source", "type"}) {
    if (!root[name] || root[name].is_null()) fail(name, "is required");
  }
  if (failed_) return std::nullopt;
  return std::move(event_);
}

}  // namespace

void encode_cloudevent(const Envelope& envelope, std::string_view data, std::string& out) {
  JsonWriter json(out);
  json.begin_object().member("specversion", kSpecVersion);
  std::string text;
  for (const Attribute& attribute : kAttributes) {
    if (!has_attribute(envelope, attribute)) continue;
    json.key(attribute.name());
    if (attribute.kind == AttributeKind::text) {
      json.value(envelope.*attribute.text);
    } else if (attribute.kind == AttributeKind::time) {
      json.value(to_rfc3339(envelope.time));
    } else if (attribute.kind == AttributeKind::recordedtime) {
      json.value(to_rfc3339(*envelope.recordedtime));
    } else {
      text.clear();
      append_number(envelope, attribute, text);
      json.value(text);
    }
  }
  for (const auto& [name, value] : envelope.extensions) json.member(name, value);
  if (!data.empty()) json.member("datacontenttype", kJsonContentType).key("data").raw(data);
  json.end_object();
}

std::string to_cloudevent(const Event& event) {
  std::string out;
  encode_cloudevent(event.envelope, event.data, out);
  return out;
}

std::optional<Event> from_cloudevent(std::string_view json, std::vector<FieldError>& errors, Time time) {
  const auto document = JsonDocument::parse(json);
  if (!document.ok()) {
    errors.push_back(FieldError{"", document.error().message});
    return std::nullopt;
  }
  return from_cloudevent(document->root(), errors, time);
}

std::optional<Event> from_cloudevent(const JsonNode& node, std::vector<FieldError>& errors, Time time) {
  return Reader(errors).read(node, time);
}

std::optional<std::string> decode_header_value(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out.append(*byte);
    i += 2;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

std::string encode_header_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > 0x20 && c < 0x7f && c != '"' && c != '%') out.push_back(c);
    else out += '%' + to_hex(std::string_view(&c, 1));
  }
  return out;
}

std::optional<Envelope> envelope_from_headers(FnRef<std::optional<std::string_view>(std::string_view name)> header,
                                              std::vector<FieldError>& errors, Time time) {
  Envelope envelope;
  envelope.time = time;
  const std::size_t before = errors.size();
  const auto fail = [&](std::string_view name, std::string_view message) { errors.push_back({"/" + std::string(name), std::string(message)}); };
  if (header("specversion") != kSpecVersion) fail("specversion", "must be 1.0");
  for (const Attribute& attribute : kAttributes) {
    const auto given = header(attribute.name());
    if (!given) continue;
    const auto value = decode_header_value(*given);
    const std::string_view expected = value ? set_attribute(envelope, attribute, *value) : "must be percent-encoded UTF-8";
    if (!expected.empty()) fail(attribute.name(), expected);
  }
  for (const std::string_view name : {"id", "source", "type"}) {
    if (!header(name)) fail(name, "is required");
  }
  if (errors.size() != before) return std::nullopt;
  return envelope;
}

}  // namespace tidemark::event
