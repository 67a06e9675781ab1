// Compares OpenAPI documents: routes, their parameters, bodies, answers and credentials.

#include <algorithm>
#include <map>
#include <set>

#include "core/event/json.hpp"
#include "core/schema/compatibility.hpp"

namespace tidemark::schema {
namespace {

using event::JsonNode;

constexpr std::string_view kReferences = "#/components/schemas/";

using Content = std::map<std::string, ParsedSchema>;  // by media type

struct Parameter {
  bool required = false;
  ParsedSchema schema;
};
struct Answer {
  Content content;
  std::set<std::string> headers;
};
struct Operation {
  std::map<std::string, Parameter> parameters;  // by "query limit"
  bool request_required = false;
  Content request;
  std::map<std::string, Answer> answers;        // by status
  std::set<std::string> credentials;            // none: open
};
struct Api {
  SchemaTable schemas;
  std::map<std::string, Operation> operations;  // by "GET /builds/{}": names of path parameters say nothing
  std::map<std::string, std::string> shown;     // the same, as written
};

Error bad(const std::string& place, std::string_view what) { return Error{Code::corrupt, place + " " + std::string(what)}; }

class Reader {
 public:
  Result<Api> read(JsonNode root) {
    if (!root["openapi"].as_string().value_or("").starts_with("3.1")) return bad("/openapi", "must be 3.1.x");
    auto schemas = parse_schemas(root["components"]["schemas"], kReferences, "/components/schemas");
    if (!schemas.ok()) return schemas.take_error();
    api_.schemas = std::move(*schemas);
    if (!root["paths"].is_object()) return bad("/paths", "must be an object");
    for (const auto& [path, item] : root["paths"].members()) {
      if (!item.is_object()) return bad(pointer("/paths", path), "must be an object");
      for (const auto& [method, operation] : item.members()) {
        if (auto read = read_operation(path, method, operation); !read.ok()) return read.take_error();
      }
    }
    return std::move(api_);
  }

 private:
  static std::string pointer(std::string place, std::string_view name) {
    event::append_pointer(place, name);
    return place;
  }

  Result<void> read_operation(std::string_view path, std::string_view method, JsonNode node) {
    static const std::set<std::string_view> kMethods{"get", "put", "post", "patch", "delete", "options", "head"};
    const std::string place = pointer(pointer("/paths", path), method);
    if (!kMethods.contains(method)) return bad(place, "is no method");
    if (!node.is_object()) return bad(place, "must be an object");
    Operation operation;
    std::size_t index = 0;
    for (const JsonNode parameter : node["parameters"].items()) {
      const std::string here = place + "/parameters/" + std::to_string(index++);
      const auto name = parameter["name"].as_string(), in = parameter["in"].as_string();
      if (!name || !in) return bad(here, "must have name and in");
      if (*in == "path") continue;
      auto schema = read_schema(parameter["schema"], here + "/schema");
      if (!schema.ok()) return schema.take_error();
      operation.parameters[std::string(*in) + " " + std::string(*name)] = {parameter["required"].as_bool().value_or(false), std::move(*schema)};
    }
    const JsonNode body = node["requestBody"];
    operation.request_required = body["required"].as_bool().value_or(false);
    if (auto read = read_content(body["content"], place + "/requestBody/content", operation.request); !read.ok()) return read;
    if (!node["responses"].is_object()) return bad(place + "/responses", "must be an object");
    for (const auto& [status, answer] : node["responses"].members()) {
      Answer& out = operation.answers[std::string(status)];
      const std::string here = pointer(place + "/responses", status);
      if (auto read = read_content(answer["content"], here + "/content", out.content); !read.ok()) return read;
      for (const auto& [name, header] : answer["headers"].members()) out.headers.emplace(name);
    }
    for (const JsonNode way : node["security"].items()) {
      for (const auto& [name, scopes] : way.members()) operation.credentials.emplace(name);
    }
    const std::string key = upper(method) + " " + without_names(path);
    api_.shown[key] = upper(method) + " " + std::string(path);
    api_.operations[key] = std::move(operation);
    return {};
  }

  Result<ParsedSchema> read_schema(JsonNode node, const std::string& place) {
    auto schema = parse_schema(node, kReferences, place);
    if (!schema.ok()) return schema;
    const std::string missing = missing_reference(*schema, api_.schemas);
    if (!missing.empty()) return bad(place, "refers to " + missing + ", which is not there");
    return schema;
  }

  Result<void> read_content(JsonNode content, const std::string& place, Content& out) {
    if (content && !content.is_object()) return bad(place, "must be an object");
    for (const auto& [media_type, body] : content.members()) {
      ParsedSchema& schema = out[std::string(media_type)];
      if (!body["schema"]) continue;
      auto read = read_schema(body["schema"], pointer(place, media_type) + "/schema");
      if (!read.ok()) return read.take_error();
      schema = std::move(*read);
    }
    return {};
  }

  static std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    return out;
  }

  static std::string without_names(std::string_view path) {
    std::string out;
    bool inside = false;
    for (const char c : path) {
      if (c == '}') inside = false;
      if (!inside) out += c;
      if (c == '{') inside = true;
    }
    return out;
  }

  Api api_;
};

class Comparison {
 public:
  Comparison(const Api& earlier, const Api& present) : earlier_(earlier), present_(present) {}

  Changes run() {
    for (const auto& [key, was] : earlier_.operations) {
      place_ = earlier_.shown.at(key);
      const auto is = present_.operations.find(key);
      if (is == present_.operations.end()) note(true, "the route is gone");
      else compare(was, is->second);
    }
    for (const auto& [key, shown] : present_.shown) {
      place_ = shown;
      if (!earlier_.operations.contains(key)) note(false, "the route is new");
    }
    return std::move(out_);
  }

 private:
  void note(bool breaking, std::string what) { out_.push_back({breaking, place_, std::move(what)}); }

  void compare(const Operation& was, const Operation& is) {
    compare_parameters(was, is);
    if (!was.request_required && is.request_required) note(true, "a body is required now");
    if (was.request_required && !is.request_required) note(false, "the body may be left out now");
    compare_content(was.request, is.request, Use::request, "request");
    for (const auto& [status, answer] : was.answers) {
      const auto now = is.answers.find(status);
      const bool success = status.starts_with('2') || status.starts_with('3');
      if (now == is.answers.end()) {
        note(success, "answer " + status + " is gone");
        continue;
      }
      compare_content(answer.content, now->second.content, Use::answer, "answer " + status);
      for (const std::string& header : answer.headers) {
        if (!now->second.headers.contains(header)) note(true, "answer " + status + " has no header " + header + " any more");
      }
      for (const std::string& header : now->second.headers) {
        if (!answer.headers.contains(header)) note(false, "answer " + status + " has a new header " + header);
      }
    }
    for (const auto& [status, answer] : is.answers) {
      if (!was.answers.contains(status)) note(false, "answer " + status + " is new");
    }
    compare_credentials(was.credentials, is.credentials);
  }

  void compare_parameters(const Operation& was, const Operation& is) {
    for (const auto& [name, parameter] : was.parameters) {
      const auto now = is.parameters.find(name);
      if (now == is.parameters.end()) {
        note(true, name + " parameter is gone");
        continue;
      }
      if (parameter.required != now->second.required) {
        note(now->second.required, name + (now->second.required ? " parameter is required now" : " parameter may be left out now"));
      }
      compare_schemas(parameter.schema, earlier_.schemas, now->second.schema, present_.schemas, Use::request, place_ + " " + name, out_);
    }
    for (const auto& [name, parameter] : is.parameters) {
      if (!was.parameters.contains(name)) note(parameter.required, name + (parameter.required ? " parameter is new and required" : " parameter is new"));
    }
  }

  void compare_content(const Content& was, const Content& is, Use use, const std::string& name) {
    for (const auto& [media_type, schema] : was) {
      const auto now = is.find(media_type);
      if (now == is.end()) {
        note(true, name + " as " + media_type + " is gone");
        continue;
      }
      compare_schemas(schema, earlier_.schemas, now->second, present_.schemas, use, place_ + " " + name + " ", out_);
    }
    for (const auto& [media_type, schema] : is) {
      if (was.contains(media_type)) continue;
      // A request that had no body before is about to need one only when it says so.
      note(false, name + " as " + media_type + " is new");
    }
  }

  void compare_credentials(const std::set<std::string>& was, const std::set<std::string>& is) {
    if (was == is) return;
    if (is.empty()) return note(false, "no credential is needed any more");
    if (was.empty()) return note(true, "a credential is needed now");
    for (const std::string& name : was) {
      if (!is.contains(name)) note(true, "credential " + name + " does not suffice any more");
    }
    for (const std::string& name : is) {
      if (!was.contains(name)) note(false, "credential " + name + " suffices too");
    }
  }

  const Api& earlier_;
  const Api& present_;
  std::string place_;
  Changes out_;
};

Result<Api> parse_openapi(std::string_view json) {
  const auto document = event::JsonDocument::parse(json);
  if (!document.ok()) return make_error(Code::corrupt, document.error().message);
  return Reader().read(document->root());
}

}  // namespace

Result<Changes> compare_openapi(std::string_view earlier, std::string_view present) {
  auto was = parse_openapi(earlier);
  if (!was.ok()) return was.take_error();
  auto is = parse_openapi(present);
  if (!is.ok()) return is.take_error();
  return Comparison(*was, *is).run();
}

}  // namespace tidemark::schema
