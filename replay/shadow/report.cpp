#include "replay/shadow/report.hpp"

#include <cstdio>

#include "core/event/json_writer.hpp"

namespace tidemark::shadow {
namespace {

std::string_view name_of(Where where) {
  switch (where) {
    case Where::status: return "status";
    case Where::content_type: return "content type";
    case Where::header: return "header";
    case Where::body: return "body";
  }
  return "?";
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::changed: return "changed";
    case Kind::only_primary: return "only primary";
    case Kind::only_shadow: return "only shadow";
  }
  return "?";
}

std::string row(const std::string& name, std::initializer_list<std::uint64_t> numbers) {
  std::string out = name + std::string(name.size() < 44 ? 44 - name.size() : 1, ' ');
  for (const std::uint64_t number : numbers) {
    char text[32];
    std::snprintf(text, sizeof(text), " %11llu", static_cast<unsigned long long>(number));
    out += text;
  }
  return out + "\n";
}

}  // namespace

std::string summary_text(const Summary& summary) {
  std::string out = "route" + std::string(39, ' ') + "       pairs       equal   explained unexplained\n";
  for (const auto& [name, counts] : summary.routes) out += row(name, {counts.pairs, counts.equal, counts.explained, counts.unexplained});
  if (!summary.rules.empty()) out += "\nexplained by" + std::string(32, ' ') + " differences\n";
  for (const auto& [name, count] : summary.rules) out += row(name, {count});
  return out + "\n" + std::to_string(summary.pairs) + " pairs, " + std::to_string(summary.unexplained) + " unexplained differences in " +
         std::to_string(summary.unexplained_pairs) + " pairs" +
         (summary.not_replayed > 0 ? ", " + std::to_string(summary.not_replayed) + " not replayed\n" : "\n");
}

std::string summary_json(const Summary& summary) {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("pairs", summary.pairs).member("unexplained", summary.unexplained);
  json.member("unexplained_pairs", summary.unexplained_pairs).member("not_replayed", summary.not_replayed).key("routes").begin_object();
  for (const auto& [name, counts] : summary.routes) {
    json.key(name).begin_object().member("pairs", counts.pairs).member("equal", counts.equal).member("explained", counts.explained);
    json.member("unexplained", counts.unexplained).end_object();
  }
  json.end_object().key("rules").begin_object();
  for (const auto& [name, count] : summary.rules) json.member(name, count);
  json.end_object().end_object();
  return out;
}

std::string finding_text(const Finding& finding) {
  const Difference& difference = finding.difference;
  return "line " + std::to_string(finding.line) + ": " + finding.request.method + " " + finding.request.target + "  [" + finding.route + "]\n  " +
         std::string(name_of(difference.where)) + (difference.at.empty() ? "" : " " + difference.at) + ", " + std::string(name_of(difference.kind)) +
         "\n    primary " + difference.primary_text + "\n    shadow  " + difference.shadow_text + "\n";
}

std::string finding_json(const Finding& finding) {
  const Difference& difference = finding.difference;
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("line", finding.line).member("route", finding.route).member("method", finding.request.method);
  json.member("target", finding.request.target).member("where", name_of(difference.where)).member("at", difference.at);
  json.member("kind", name_of(difference.kind)).member("primary", difference.primary_text).member("shadow", difference.shadow_text).end_object();
  return out;
}

}  // namespace tidemark::shadow
