#include "core/event/attributes.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::event::detail {

namespace {

// Decimal digits without sign or leading zeros: one spelling for each number.
template <class Int>
std::optional<Int> parse_decimal(std::string_view text) {
  Int value = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9' || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_sequence(std::string_view text) {
  std::uint64_t value = 0;
  if (text.size() != 20 || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<DecisionRef> parse_decision(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto decision = parse_decimal<std::uint64_t>(text.substr(0, dot));
  const auto index = parse_decimal<std::uint32_t>(text.substr(dot + 1));
  if (!decision || !index) return std::nullopt;
  return DecisionRef{Tmseq{*decision}, *index};
}

void append_decimal(std::string& out, std::uint64_t value, std::size_t width = 0) {
  char buffer[24];
  const auto length = static_cast<std::size_t>(std::to_chars(buffer, buffer + sizeof buffer, value).ptr - buffer);
  if (length < width) out.append(width - length, '0');
  out.append(buffer, length);
}

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 32) : a) == b;
         });
}

std::string_view media_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  while (!type.empty() && (type.front() == ' ' || type.front() == '\t')) type.remove_prefix(1);
  return type;
}

}  // namespace

std::size_t find_attribute(std::string_view name, std::size_t hint) {
  if (hint < kAttributes.size() && kAttributes[hint].name() == name) return hint;
  for (std::size_t i = 0; i < kAttributes.size(); ++i) {
    if (kAttributes[i].name() == name) return i;
  }
  return kAttributes.size();
}

std::string_view set_attribute(Envelope& envelope, const Attribute& attribute, std::string_view value) {
  constexpr std::string_view kTimeExpected = "must be a time as RFC 3339 writes it";
  switch (attribute.kind) {
    case AttributeKind::text:
      if (value.empty()) return "must not be empty";
      (envelope.*attribute.text).assign(value);
      return {};
    case AttributeKind::time: {
      const auto time = parse_rfc3339(value);
      if (!time) return kTimeExpected;
      envelope.time = *time;
      return {};
    }
    case AttributeKind::recordedtime:
      envelope.recordedtime = parse_rfc3339(value);
      return envelope.recordedtime ? std::string_view() : kTimeExpected;
    case AttributeKind::sequence:
      envelope.sequence = parse_sequence(value);
      return envelope.sequence ? "" : "must be 20 decimal digits below 2^64";
    case AttributeKind::tmseq: {
      const auto number = parse_decimal<std::uint64_t>(value);
      if (!number) return "must be a decimal number below 2^64 without leading zeros";
      envelope.tmseq = Tmseq{*number};
      return {};
    }
    case AttributeKind::tmdecision:
      envelope.tmdecision = parse_decision(value);
      return envelope.tmdecision ? "" : "must be <tmseq>.<index>, both decimal without leading zeros";
  }
  return {};
}

bool has_attribute(const Envelope& envelope, const Attribute& attribute) {
  switch (attribute.kind) {
    case AttributeKind::text: return !(envelope.*attribute.text).empty();
    case AttributeKind::time: return true;
    case AttributeKind::recordedtime: return envelope.recordedtime.has_value();
    case AttributeKind::sequence: return envelope.sequence.has_value();
    case AttributeKind::tmseq: return envelope.tmseq.has_value();
    case AttributeKind::tmdecision: return envelope.tmdecision.has_value();
  }
  return false;
}

void append_number(const Envelope& envelope, const Attribute& attribute, std::string& out) {
  switch (attribute.kind) {
    case AttributeKind::sequence:
      append_decimal(out, *envelope.sequence, 20);
      break;
    case AttributeKind::tmseq:
      append_decimal(out, envelope.tmseq->value);
      break;
    case AttributeKind::tmdecision:
      append_decimal(out, envelope.tmdecision->decision.value);
      out.push_back('.');
      append_decimal(out, envelope.tmdecision->index);
      break;
    default:
      break;
  }
}

bool is_reserved(std::string_view name) {
  return name == "specversion" || name == "datacontenttype" || name == "data" || name == "data_base64";
}

bool is_cloudevents_content_type(std::string_view type) {
  if (type == kJsonContentType) return false;  // nearly always
  return same_ignoring_case(media_type(type), kCloudEventsContentType);
}

bool is_json_content_type(std::string_view type) {
  if (type == kJsonContentType) return true;
  const std::string_view media = media_type(type);
  if (same_ignoring_case(media, kJsonContentType)) return true;
  return media.size() > 5 && same_ignoring_case(media.substr(media.size() - 5), "+json") && !is_cloudevents_content_type(type);
}

}  // namespace tidemark::event::detail
