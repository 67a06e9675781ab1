// The page at /docs: routes by surface and messages by domain, as plain HTML that needs nothing else.

#include <algorithm>

#include "core/event/json_schema.hpp"
#include "core/schema/documents.hpp"
#include "core/schema/json_text.hpp"
#include "core/schema/message_kind.hpp"
#include "core/schema/route_names.hpp"

namespace tidemark::schema {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemark</title>
<style>
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #0a6cbd; }
@media (prefers-color-scheme: dark) { :root { --link: #6cb8f5; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); }
code, pre { font: 0.875em/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; overflow-wrap: normal; }
details.route { border: 1px solid var(--line); border-radius: 6px; margin: 0.4rem 0; padding: 0 0.75rem; }
details.route > summary { padding: 0.5rem 0; cursor: pointer; }
details.route[open] > summary { border-bottom: 1px solid var(--line); }
.method { display: inline-block; min-width: 3.6em; font-weight: 700; }
.what { opacity: 0.75; margin-left: 0.5em; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); }
nav a { display: inline-block; margin-right: 1rem; padding: 0.25rem 0; }
</style>
</head>
<body>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// Escaped, with `code` of Markdown as such.
std::string prose(std::string_view text) {
  std::string out;
  bool in_code = false;
  for (const char c : escaped(text)) {
    if (c != '`') out += c;
    else out += in_code ? "</code>" : "<code>";
    in_code = in_code != (c == '`');
  }
  return in_code ? out + "</code>" : out;
}

std::string anchor(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
  }
  return out;
}

class Page {
 public:
  explicit Page(const Installation& installation) : installation_(installation) {}

  std::string make() {
    out_ = kHead;
    out_ += "<h1>Tidemark <small>" + escaped(installation_.version) + "</small></h1>\n<nav>";
    for (const http::Surface* surface : installation_.surfaces) link("#" + anchor(title_of(*surface)), title_of(*surface));
    for (const DomainContract& domain : installation_.domains) {
      if (!domain.contract.messages.empty()) link("#messages-" + domain.name, "Messages of " + domain.name);
    }
    link("openapi.json", "OpenAPI");
    link("asyncapi.json", "AsyncAPI");
    out_ += "</nav>\n<p>In the examples <code>$TIDEMARK</code> is the address of the main port, such as "
            "<code>http://127.0.0.1:8080</code>.</p>\n";
    for (const http::Surface* surface : installation_.surfaces) add(*surface);
    for (const DomainContract& domain : installation_.domains) add(domain);
    out_ += "</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void link(const std::string& target, const std::string& text) { out_ += "<a href=\"" + target + "\">" + escaped(text) + "</a> "; }

  void add(const http::Surface& surface) {
    out_ += "<h2 id=\"" + anchor(title_of(surface)) + "\">" + escaped(title_of(surface)) + "</h2>\n";
    paragraph(surface.doc.description);
    if (!surface.doc.credentials.empty()) {
      out_ += "<table>\n";
      for (const http::CredentialDoc& credential : surface.doc.credentials) {
        row("<code>" + escaped(header_of(credential, "...")) + "</code>", escaped(credential.description));
      }
      out_ += "</table>\n";
    }
    for (const http::Route& route : surface.routes) {
      if (!route.doc.summary.empty()) add(surface, route);
    }
  }

  void add(const http::Surface& surface, const http::Route& route) {
    const http::RouteDoc& doc = route.doc;
    const std::string path = path_template(surface.name.empty() ? "" : "/" + surface.name, route.pattern);
    const std::string method(http::name_of(route.method));
    out_ += "<details class=\"route\" id=\"" + anchor(method + path) + "\"><summary><span class=\"method\">" + method + "</span> <code>" +
            escaped(path) + "</code><span class=\"what\">" + escaped(doc.summary) + "</span></summary>\n";
    paragraph(doc.description);
    if (doc.credentials.empty()) paragraph("Open: no credential is needed.");
    else paragraph("Needs " + joined(doc.credentials) + ".");
    if (!doc.parameters.empty()) {
      out_ += "<h4>Parameters</h4>\n<table>\n";
      for (const http::ParameterDoc& parameter : doc.parameters) {
        const bool is_header = parameter.in == http::ParameterDoc::In::header;
        const bool needed = parameter.required || parameter.in == http::ParameterDoc::In::path;
        const std::string_view in = is_header ? "header" : parameter.in == http::ParameterDoc::In::path ? "path" : "query";
        row("<code>" + escaped(parameter.name) + "</code><br>" + std::string(in) + (needed ? ", required" : ""), prose(parameter.description));
      }
      out_ += "</table>\n";
    }
    if (!doc.request.empty()) out_ += "<h4>Request</h4>\n";
    for (const http::BodyDoc& body : doc.request) add(body);
    out_ += "<h4>Answers</h4>\n";
    for (const http::AnswerDoc& answer : doc.answers) {
      out_ += "<p><b>" + std::to_string(answer.status) + "</b> " + prose(answer.description) + "</p>\n";
      for (const http::BodyDoc& body : answer.bodies) {
        if (body.media_type != "application/problem+json") add(body);
      }
    }
    out_ += "<h4>Example</h4>\n<pre>" + escaped(curl(surface, route, path)) + "</pre>\n</details>\n";
  }

  void add(const http::BodyDoc& body) {
    if (body.schema.empty()) {
      out_ += "<p><code>" + escaped(body.media_type) + "</code></p>\n";
      return;
    }
    out_ += "<details><summary><code>" + escaped(body.media_type) + "</code></summary><pre>" + escaped(indented(body.schema)) + "</pre></details>\n";
  }

  void add(const DomainContract& domain) {
    if (domain.contract.messages.empty()) return;
    out_ += "<h2 id=\"messages-" + domain.name + "\">Messages of " + escaped(domain.name) + "</h2>\n";
    for (const runtime::Message& message : domain.contract.messages) {
      out_ += "<details class=\"route\"><summary><span class=\"method\">" + std::string(name_of(message.kind)) + "</span> <code>" +
              escaped(message.name) + "</code>" + (message.topic.empty() ? "" : " in <code>" + escaped(message.topic) + "</code>") +
              "<span class=\"what\">" + escaped(message.description) + "</span></summary>\n<pre>" +
              escaped(indented(domain.contract.definitions.schemas.at(message.schema))) + "</pre></details>\n";
    }
    out_ += "<h3>Types of " + escaped(domain.name) + "</h3>\n";
    for (const auto& [name, schema] : domain.contract.definitions.schemas) {
      const bool is_message = std::any_of(domain.contract.messages.begin(), domain.contract.messages.end(),
                                          [&name = name](const runtime::Message& message) { return message.schema == name; });
      if (!is_message) out_ += "<details class=\"route\"><summary><code>" + escaped(name) + "</code></summary><pre>" + escaped(indented(schema)) + "</pre></details>\n";
    }
  }

  static std::string header_of(const http::CredentialDoc& credential, const std::string& value) {
    if (credential.kind == http::CredentialDoc::Kind::bearer) return "Authorization: Bearer " + value;
    return credential.header + ": " + value;
  }

  static std::string curl(const http::Surface& surface, const http::Route& route, const std::string& path) {
    std::string out = "curl -sS";
    if (route.method != http::Method::get) out += " -X " + std::string(http::name_of(route.method));
    if (!route.doc.credentials.empty()) {
      const auto wanted = std::find_if(surface.doc.credentials.begin(), surface.doc.credentials.end(),
                                       [&](const http::CredentialDoc& known) { return known.name == route.doc.credentials.front(); });
      if (wanted != surface.doc.credentials.end()) out += " -H \"" + header_of(*wanted, "$KEY") + "\"";
    }
    if (!route.doc.request.empty()) {
      const http::BodyDoc& body = route.doc.request.front();
      const std::string example = body.example.empty() ? "{}" : body.example;
      if (body.media_type == "multipart/form-data") out += form_fields(body.schema);
      else out += " -H \"Content-Type: " + body.media_type + "\" -d '" + example + "'";
    }
    return out + " \"$TIDEMARK" + path + "\"";
  }

  /// -F for every required part; what is binary is a file.
  static std::string form_fields(const std::string& schema) {
    const auto document = event::JsonDocument::parse(schema);
    std::string out;
    if (!document.ok()) return out;
    for (const auto name : document->root()["required"].items()) {
      const std::string field(name.as_string().value_or(""));
      const bool is_file = document->root()["properties"][field]["format"].as_string() == "binary";
      out += " -F " + field + "=" + (is_file ? "@" + field + ".zip" : "...");
    }
    return out;
  }

  static std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : " or ") + name;
    return out;
  }

  void paragraph(const std::string& text) {
    if (!text.empty()) out_ += "<p>" + prose(text) + "</p>\n";
  }
  void row(const std::string& left, const std::string& right) { out_ += "<tr><td>" + left + "</td><td>" + right + "</td></tr>\n"; }

  const Installation& installation_;
  std::string out_;
};

}  // namespace

std::string make_docs_page(const Installation& installation) { return Page(installation).make(); }

}  // namespace tidemark::schema
