#include "core/event/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tidemark::event {

void append_pointer(std::string& pointer, std::string_view token) {
  pointer.push_back('/');
  for (const char c : token) {
    if (c == '~') pointer.append("~0");
    else if (c == '/') pointer.append("~1");
    else pointer.push_back(c);
  }
}

namespace json_detail {

namespace {

void render(const Path* at, std::string& out) {
  if (at == nullptr) return;
  render(at->above, out);
  if (at->is_index) out.append(fmt::format("/{}", at->index));
  else append_pointer(out, at->name);
}

bool is_lower_hex_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

template <class Int>
void decode_bounded(std::optional<Int> value, const Path* at, Decoder& d, Int min, Int max, Int& out) {
  if (!value || *value < min || *value > max) d.fail(at, fmt::format("must be an integer from {} to {}", min, max));
  else out = *value;
}

}  // namespace

void Decoder::fail(const Path* at, std::string message) {
  // Counted even when not kept: the document stays refused however many errors came before it.
  if (++failures > kFieldErrorsMax) return;
  std::string pointer(base);
  render(at, pointer);
  errors->push_back(FieldError{std::move(pointer), std::move(message)});
}

bool expect_kind(JsonNode node, const Path* at, Decoder& d, JsonKind kind) {
  if (node.kind() == kind) return true;
  d.fail(at, fmt::format("must be {}", name_of(kind)));
  return false;
}

void decode_bool(JsonNode node, const Path* at, Decoder& d, bool& out) {
  if (const auto value = node.as_bool()) out = *value;
  else d.fail(at, "must be true or false");
}

void decode_signed(JsonNode node, const Path* at, Decoder& d, std::int64_t min, std::int64_t max, std::int64_t& out) {
  decode_bounded(node.as_int64(), at, d, min, max, out);
}

void decode_unsigned(JsonNode node, const Path* at, Decoder& d, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  decode_bounded(node.as_uint64(), at, d, min, max, out);
}

void decode_double(JsonNode node, const Path* at, Decoder& d, double& out) {
  if (const auto value = node.as_double()) out = *value;
  else d.fail(at, "must be a finite number");
}

void decode_string(JsonNode node, const Path* at, Decoder& d, std::string& out) {
  if (const auto value = node.as_string()) out.assign(*value);
  else d.fail(at, "must be a string");
}

void decode_text(JsonNode node, const Path* at, Decoder& d, std::size_t min, std::size_t max, std::string& out) {
  const auto value = node.as_string();
  if (!value || value->size() < min || value->size() > max) {
    d.fail(at, min == 0 ? fmt::format("must be a string of at most {} bytes", max)
                        : fmt::format("must be a string of {} to {} bytes", min, max));
  } else if (value->find('\0') != std::string_view::npos) {
    d.fail(at, "must not contain U+0000");
  } else {
    out.assign(*value);
  }
}

void decode_time(JsonNode node, const Path* at, Decoder& d, Time& out) {
  const auto text = node.as_string();
  const auto time = text ? parse_rfc3339(*text) : std::nullopt;
  if (time) out = *time;
  else d.fail(at, "must be a time as RFC 3339 writes it");
}

std::size_t decode_name(JsonNode node, const Path* at, Decoder& d, const std::string_view* names, std::size_t count) {
  if (const auto text = node.as_string()) {
    const std::size_t index = find_name(names, count, *text, 0);
    if (index < count) return index;
  }
  std::string message = "must be one of ";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) message.append(", ");
    message.append(names[i]);
  }
  d.fail(at, std::move(message));
  return count;
}

void decode_nothing(JsonNode node, const Path* at, Decoder& d) {
  if (!expect_kind(node, at, d, JsonKind::object)) return;
  for (const auto& [name, value] : node.members()) {
    const Path here{at, name};
    if (d.strict()) d.fail(&here, "unknown field");
  }
}

JsonNode personal_value(JsonNode node, const Path* at, Decoder& d) {
  if (!expect_kind(node, at, d, JsonKind::object)) return {};
  JsonNode plain, erased;
  bool sealed = false;
  for (const auto& [name, value] : node.members()) {
    const Path here{at, name};
    if (name == "plain") {
      if (plain) d.fail(&here, "duplicate field");
      plain = value;
    } else if (name == "erased") {
      erased = value;
    } else if (name == "tmkey" || name == "cipher") {
      sealed = true;
    } else if (d.strict()) {
      d.fail(&here, "unknown field");
    }
  }
  if (sealed || (erased && d.strict())) {
    d.fail(at, "must be {\"plain\": ...}: an encrypted value is opened before it is decoded");
    return {};
  }
  // The key was destroyed: what is recorded stays readable, and the value is the type's default.
  if (erased) return {};
  if (!plain) {
    const Path here{at, "plain"};
    d.fail(&here, "is required");
  }
  return plain;
}

void decode_claimed(JsonNode node, const Path* at, Decoder& d, Claimed& out) {
  if (!expect_kind(node, at, d, JsonKind::object)) return;
  JsonNode text, hash, size;
  for (const auto& [name, value] : node.members()) {
    const Path here{at, name};
    JsonNode* const slot = name == "inline" ? &text : name == "sha256" ? &hash : name == "size" ? &size : nullptr;
    if (slot == nullptr) {
      if (d.strict()) d.fail(&here, "unknown field");
    } else if (*slot) {
      d.fail(&here, "duplicate field");
    } else {
      *slot = value;
    }
  }
  if (text ? (hash || size) : !(hash && size)) {
    d.fail(at, "must have either inline, or sha256 and size");
    return;
  }
  if (text) {
    const Path here{at, "inline"};
    const auto value = text.as_string();
    if (value && value->size() <= kClaimedInlineMax) out.inline_bytes.assign(*value);
    else d.fail(&here, fmt::format("must be a string of at most {} bytes", kClaimedInlineMax));
    return;
  }
  const Path hash_at{at, "sha256"}, size_at{at, "size"};
  const auto value = hash.as_string();
  if (value && is_lower_hex_sha256(*value)) out.sha256.assign(*value);
  else d.fail(&hash_at, "must be 64 lower-case hexadecimal digits");
  decode_unsigned(size, &size_at, d, 0, std::uint64_t{1} << 53, out.size);
}

void encode_claimed(const Claimed& value, std::string& out) {
  JsonWriter json(out);
  json.begin_object();
  if (value.sha256.empty()) json.member("inline", value.inline_bytes);
  else json.member("sha256", value.sha256).member("size", value.size);
  json.end_object();
}

void encode_time(Time value, std::string& out) {
  out.push_back('"');
  out.append(to_rfc3339(value));
  out.push_back('"');
}

}  // namespace json_detail

}  // namespace tidemark::event
