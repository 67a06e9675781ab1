// OpenAPI 3.1 from the route tables.

#include <algorithm>
#include <map>

#include "core/event/json_writer.hpp"
#include "core/schema/components.hpp"
#include "core/schema/documents.hpp"
#include "core/schema/route_names.hpp"

namespace tidemark::schema {
namespace {

using event::JsonWriter;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

std::string operation_id(std::string_view method, std::string_view path) {
  std::string out(method);
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) out += c;
    else if (out.back() != '_') out += '_';
  }
  while (out.back() == '_') out.pop_back();
  return out;
}

std::string_view name_of(http::ParameterDoc::In in) {
  switch (in) {
    case http::ParameterDoc::In::path: return "path";
    case http::ParameterDoc::In::query: return "query";
    case http::ParameterDoc::In::header: return "header";
  }
  return {};
}

std::string credential_name(std::string_view surface, std::string_view name) {
  return surface.empty() ? std::string(name) : std::string(surface) + '.' + std::string(name);
}

class Writer {
 public:
  explicit Writer(const Installation& installation) : installation_(installation) {}

  /// `prefix` is where the surface is mounted.
  void add(const http::Surface& surface, std::string_view prefix) {
    if (!surface.doc.title.empty()) {
      std::string tag;
      JsonWriter(tag).begin_object().member("name", surface.doc.title).member("description", surface.doc.description).end_object();
      tags_.push_back(std::move(tag));
    }
    for (const http::CredentialDoc& credential : surface.doc.credentials) add(credential, surface.name);
    for (const http::Route& route : surface.routes) {
      if (route.doc.summary.empty()) continue;
      if (route.pattern == kCommandPattern) add_commands(surface, route, prefix);
      put(path_template(prefix, route.pattern), route, operation(surface, route, path_template(prefix, route.pattern), {}));
    }
  }

  std::string finish() const {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("openapi", "3.1.0");
    json.key("info").begin_object().member("title", "Tidemark").member("version", installation_.version);
    json.member("description", "Every write becomes an event on a partitioned log; read models answer queries.").end_object();
    json.key("tags").begin_array();
    for (const std::string& tag : tags_) json.raw(tag);
    json.end_array().key("paths").begin_object();
    for (const auto& [path, operations] : paths_) {
      json.key(path).begin_object();
      for (const auto& [method, operation] : operations) json.key(method).raw(operation);
      json.end_object();
    }
    json.end_object().key("components").begin_object().key("schemas").begin_object();
    for (const auto& [name, schema] : components_.schemas()) json.key(name).raw(schema);
    json.end_object().key("securitySchemes").begin_object();
    for (const auto& [name, scheme] : credentials_) json.key(name).raw(scheme);
    json.end_object().end_object().end_object();
    return out;
  }

 private:
  /// What is known of one command, in place of what is said of all.
  struct Specialised {
    std::string request;  ///< schema, with references into the components; empty: this is about all commands
    std::string summary, description;
  };

  void put(const std::string& path, const http::Route& route, std::string operation) {
    paths_[path][lower(http::name_of(route.method))] = std::move(operation);
  }

  void add(const http::CredentialDoc& credential, std::string_view surface) {
    std::string scheme;
    JsonWriter json(scheme);
    json.begin_object();
    if (credential.kind == http::CredentialDoc::Kind::bearer) json.member("type", "http").member("scheme", "bearer");
    else json.member("type", "apiKey").member("in", "header").member("name", credential.header);
    json.member("description", credential.description).end_object();
    credentials_[credential_name(surface, credential.name)] = std::move(scheme);
  }

  void add_commands(const http::Surface& surface, const http::Route& route, std::string_view prefix) {
    for (const DomainContract& domain : installation_.domains) {
      components_.add(domain.contract.definitions, domain.name);
      for (const runtime::Message& message : domain.contract.messages) {
        if (message.kind != runtime::Message::Kind::command || !message.current) continue;
        const std::string path = std::string(prefix) + "/commands/" + domain.name + "/" + message.name;
        const Specialised command{Components::reference(message.schema, domain.name), message.name + " of " + domain.name, message.description};
        put(path, route, operation(surface, route, path, command));
      }
    }
  }

  void write_parameters(JsonWriter& json, const http::Surface& surface, const http::Route& route, bool with_path) {
    std::vector<http::ParameterDoc> parameters = route.doc.parameters;
    for (std::string& name : path_parameters(route.pattern)) {
      const bool declared = std::any_of(parameters.begin(), parameters.end(), [&](const http::ParameterDoc& p) {
        return p.in == http::ParameterDoc::In::path && p.name == name;
      });
      if (!declared) parameters.insert(parameters.begin(), http::ParameterDoc{.name = std::move(name)});
    }
    if (!with_path) std::erase_if(parameters, [](const http::ParameterDoc& p) { return p.in == http::ParameterDoc::In::path; });
    if (parameters.empty()) return;
    json.key("parameters").begin_array();
    for (const http::ParameterDoc& parameter : parameters) {
      json.begin_object().member("name", parameter.name).member("in", name_of(parameter.in));
      if (!parameter.description.empty()) json.member("description", parameter.description);
      if (parameter.required || parameter.in == http::ParameterDoc::In::path) json.member("required", true);
      json.key("schema").raw(components_.lift(parameter.schema, surface.name)).end_object();
    }
    json.end_array();
  }

  void write_bodies(JsonWriter& json, const http::Surface& surface, const std::vector<http::BodyDoc>& bodies, const std::string& json_schema) {
    if (bodies.empty()) return;
    json.key("content").begin_object();
    for (const http::BodyDoc& body : bodies) {
      json.key(body.media_type).begin_object();
      if (!json_schema.empty() && body.media_type == "application/json") json.key("schema").raw(json_schema);
      else if (!body.schema.empty()) json.key("schema").raw(components_.lift(body.schema, surface.name));
      if (!body.example.empty()) json.key("example").raw(body.example);
      json.end_object();
    }
    json.end_object();
  }

  void write_answers(JsonWriter& json, const http::Surface& surface, const http::RouteDoc& doc) {
    std::map<int, const http::AnswerDoc*> by_status;
    for (const http::AnswerDoc& answer : doc.answers) {
      TM_ASSERT(by_status.emplace(answer.status, &answer).second, "a route describes each status once");
    }
    json.key("responses").begin_object();
    for (const auto& [status, described] : by_status) {
      const http::AnswerDoc& answer = *described;
      json.key(std::to_string(status)).begin_object().member("description", answer.description);
      if (!answer.headers.empty()) {
        json.key("headers").begin_object();
        for (const http::HeaderDoc& header : answer.headers) {
          json.key(header.name).begin_object().member("description", header.description);
          json.key("schema").raw(components_.lift(header.schema, surface.name)).end_object();
        }
        json.end_object();
      }
      write_bodies(json, surface, answer.bodies, {});
      json.end_object();
    }
    json.end_object();
  }

  std::string operation(const http::Surface& surface, const http::Route& route, const std::string& path, const Specialised& command) {
    const http::RouteDoc& doc = route.doc;
    const bool is_command = !command.request.empty();
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("operationId", operation_id(lower(http::name_of(route.method)), path));
    json.member("summary", is_command ? command.summary : doc.summary);
    const std::string& description = is_command ? command.description : doc.description;
    if (!description.empty()) json.member("description", description);
    json.key("tags").begin_array();
    if (doc.tags.empty()) json.value(title_of(surface));
    for (const std::string& tag : doc.tags) json.value(tag);
    json.end_array();
    write_parameters(json, surface, route, !is_command);
    if (!doc.request.empty()) {
      json.key("requestBody").begin_object();
      if (doc.request_required) json.member("required", true);
      write_bodies(json, surface, doc.request, command.request);
      json.end_object();
    }
    write_answers(json, surface, doc);
    json.key("security").begin_array();
    for (const std::string& name : doc.credentials) {
      json.begin_object().key(credential_name(surface.name, name)).raw("[]").end_object();
    }
    json.end_array().end_object();
    return out;
  }

  const Installation& installation_;
  Components components_;
  std::vector<std::string> tags_;
  std::map<std::string, std::map<std::string, std::string>> paths_;
  std::map<std::string, std::string> credentials_;
};

}  // namespace

std::string make_openapi(const Installation& installation, const std::string* surface) {
  Writer writer(installation);
  for (const http::Surface* known : installation.surfaces) {
    if (surface != nullptr && known->name != *surface) continue;
    writer.add(*known, surface != nullptr || known->name.empty() ? std::string() : "/" + known->name);
  }
  return writer.finish();
}

}  // namespace tidemark::schema
