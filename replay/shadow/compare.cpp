#include "replay/shadow/compare.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/event/json.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonKind;
using event::JsonNode;

constexpr std::size_t kShownBytes = 400;

std::string cut(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

// "Application/JSON;charset=UTF-8" and "application/json; charset=utf-8" are one.
std::string normal_type(std::string_view type) {
  std::string out;
  for (const char c : type) {
    if (c == ' ' || c == '\t' || c == '"') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

std::string shown(const Body& body) {
  if (!body.hashed && is_utf8(body.bytes) && body.bytes.size() <= kShownBytes) return body.bytes;
  return "sha256 " + body.digest() + ", " + std::to_string(body.size_bytes()) + " bytes";
}

bool is_number(JsonKind kind) { return kind == JsonKind::integer || kind == JsonKind::number; }

class Walk {
 public:
  Walk(const Exchange& exchange, const Rules& rules, const Identities& identities, const Found& found)
      : exchange_(exchange), rules_(rules), identities_(identities), found_(found) {}

  void values(JsonNode primary, JsonNode shadow) {
    if (primary.is_object() && shadow.is_object()) return objects(primary, shadow);
    if (primary.is_array() && shadow.is_array()) return arrays(primary, shadow);
    if (!same_scalar(primary, shadow)) differ(Kind::changed, primary, shadow);
  }

 private:
  struct Parents {
    JsonNode primary, shadow;
  };

  bool same_scalar(JsonNode primary, JsonNode shadow) const {
    if (is_number(primary.kind()) && is_number(shadow.kind())) return same_number(primary, shadow);
    if (primary.kind() != shadow.kind()) return false;
    if (primary.is_string()) {
      const std::string_view p = *primary.as_string(), s = *shadow.as_string();
      return p == s || p == identities_.in_primary_words(s);
    }
    return primary.raw() == shadow.raw();
  }

  static bool same_number(JsonNode primary, JsonNode shadow) {
    if (primary.raw() == shadow.raw()) return true;
    if (primary.kind() == JsonKind::integer && shadow.kind() == JsonKind::integer) {
      return primary.as_int64() && primary.as_int64() == shadow.as_int64();
    }
    return primary.as_double() && primary.as_double() == shadow.as_double();
  }

  void objects(JsonNode primary, JsonNode shadow) {
    const Parents above = parents_;
    parents_ = {primary, shadow};
    for (const auto& [name, value] : primary.members()) {
      const JsonNode other = shadow[name];
      member(name, [&] { other ? values(value, other) : differ(Kind::only_primary, value, {}); });
    }
    for (const auto& [name, value] : shadow.members()) {
      if (primary[name]) continue;
      member(name, [&] { differ(Kind::only_shadow, {}, value); });
    }
    parents_ = above;
  }

  void arrays(JsonNode primary, JsonNode shadow) {
    std::vector<JsonNode> ours, theirs;
    for (const JsonNode item : primary.items()) {
      const std::string_view rule = rules_.left_out(exchange_, pointer_, item);
      if (rule.empty()) ours.push_back(item);
      else found_.left_out(rule);
    }
    for (const JsonNode item : shadow.items()) theirs.push_back(item);
    const Parents above = parents_;
    for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
      const std::size_t length = pointer_.size();
      pointer_ += "/" + std::to_string(i);
      if (i < ours.size() && i < theirs.size()) {
        values(ours[i], theirs[i]);
      } else {
        const JsonNode p = i < ours.size() ? ours[i] : JsonNode(), s = i < theirs.size() ? theirs[i] : JsonNode();
        differ(p ? Kind::only_primary : Kind::only_shadow, p, s);
      }
      pointer_.resize(length);
    }
    parents_ = above;
  }

  template <class F>
  void member(std::string_view name, F&& compare_it) {
    const std::size_t length = pointer_.size();
    const std::string_view above = name_;
    event::append_pointer(pointer_, name);
    name_ = name;
    compare_it();
    name_ = above;
    pointer_.resize(length);
  }

  void differ(Kind kind, JsonNode primary, JsonNode shadow) {
    Difference difference;
    difference.kind = kind;
    difference.at = pointer_;
    difference.name = name_;
    difference.primary = primary;
    difference.shadow = shadow;
    difference.primary_parent = parents_.primary;
    difference.shadow_parent = parents_.shadow;
    difference.primary_text = cut(primary.raw());
    difference.shadow_text = cut(identities_.in_primary_words(shadow.raw()));
    found_.difference(std::move(difference));
  }

  const Exchange& exchange_;
  const Rules& rules_;
  const Identities& identities_;
  const Found& found_;
  std::string pointer_;
  std::string_view name_;
  Parents parents_;
};

void differ(const Found& found, Where where, std::string at, std::string primary, std::string shadow) {
  Difference difference;
  difference.where = where;
  difference.at = std::move(at);
  difference.primary_text = std::move(primary);
  difference.shadow_text = std::move(shadow);
  found.difference(std::move(difference));
}

void compare_headers(const Exchange& exchange, const Rules& rules, const Identities& identities, const Found& found) {
  for (const std::string_view name : rules.headers()) {
    const auto primary = exchange.primary.header(name), shadow = exchange.shadow.header(name);
    if (!primary || (shadow && (*primary == *shadow || *primary == identities.in_primary_words(*shadow)))) continue;
    differ(found, Where::header, std::string(name), std::string(*primary),
           shadow ? identities.in_primary_words(*shadow) : std::string("(none)"));
  }
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  const std::string type = normal_type(content_type);
  const std::string media = type.substr(0, type.find(';'));
  return media == "application/json" || media.ends_with("+json");
}

void compare(const Exchange& exchange, const Rules& rules, const Identities& identities, const Found& found) {
  const Response &primary = exchange.primary, &shadow = exchange.shadow;
  if (primary.status != shadow.status) {
    Difference difference;
    difference.where = Where::status;
    difference.primary = exchange.primary_json;
    difference.shadow = exchange.shadow_json;
    difference.primary_text = std::to_string(primary.status) + " " + cut(shown(primary.body));
    difference.shadow_text = std::to_string(shadow.status) + " " + cut(identities.in_primary_words(shown(shadow.body)));
    return found.difference(std::move(difference));
  }
  const std::string primary_type = normal_type(primary.header("content-type").value_or(""));
  const std::string shadow_type = normal_type(shadow.header("content-type").value_or(""));
  if (primary_type != shadow_type) differ(found, Where::content_type, "content-type", primary_type, shadow_type);
  compare_headers(exchange, rules, identities, found);
  if (exchange.primary_json && exchange.shadow_json) {
    Walk(exchange, rules, identities, found)
        .values(rules.unwrapped(exchange, exchange.primary_json), rules.unwrapped(exchange, exchange.shadow_json));
  } else if (primary.body.digest() != shadow.body.digest() &&
             (primary.body.hashed || shadow.body.hashed || primary.body.bytes != identities.in_primary_words(shadow.body.bytes))) {
    differ(found, Where::body, "", cut(shown(primary.body)), cut(identities.in_primary_words(shown(shadow.body))));
  }
}

}  // namespace tidemark::shadow
