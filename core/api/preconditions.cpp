#include "core/api/preconditions.hpp"

#include <charconv>

#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"

namespace tidemark::api {
namespace {

http::Response malformed(std::string detail) { return problem(400, "precondition-malformed", "Bad precondition", std::move(detail)); }

/// The version in a strong entity tag of ours.
std::optional<std::uint64_t> parse_tag(std::string_view tag) {
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
  const std::string_view digits = tag.substr(1, tag.size() - 2);
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string entity_tag(std::uint64_t version) { return '"' + std::to_string(version) + '"'; }

std::optional<http::Response> read_precondition(const http::Request& request, Precondition& out) {
  for (const std::string_view name : {"If-Match", "If-None-Match", "Tidemark-Subject"}) {
    if (request.header_count(name) > 1) return malformed(std::string(name) + " may be given once");
  }
  const auto match = request.header("If-Match"), none_match = request.header("If-None-Match");
  if (const auto named = request.header("Tidemark-Subject")) {
    auto subject = event::decode_header_value(*named);
    if (!subject || subject->empty()) return malformed("Tidemark-Subject is percent-encoded UTF-8");
    if (!out.subject.empty() && out.subject != *subject) return malformed("Tidemark-Subject names another subject than the CloudEvent");
    out.subject = std::move(*subject);
  }
  if (!match && !none_match) return std::nullopt;
  if (match && none_match) return malformed("If-Match and If-None-Match exclude each other");
  if (out.subject.empty()) return malformed("Name the stream with Tidemark-Subject, or with the CloudEvent's subject");
  runtime::ExpectedVersion expected{out.subject, match.has_value(), std::nullopt};
  if (none_match && *none_match != "*") return malformed("If-None-Match on a command is *: the stream has no event yet");
  if (match && *match != "*") {
    expected.version = parse_tag(*match);
    if (!expected.version) return malformed("If-Match is * or the one entity tag of a stream, such as \"7\"");
  }
  out.expected = std::move(expected);
  return std::nullopt;
}

}  // namespace tidemark::api
