#pragma once
// What a route promises, declared beside its handler. The OpenAPI document and the page at /docs are made of it.
//
//   route.doc = {.summary = "One decision",
//                .parameters = {{.name = "id", .description = "Of the command"}},
//                .answers = {{.status = 200, .description = "Decided", .bodies = {{"application/json", kDecisionSchema}}},
//                            problem_doc(404, "No such decision")},
//                .credentials = {"operator"}};
//
// A path parameter that is not declared is a string; what the server itself refuses (408, 413, 431, ...) is added nowhere.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::http {

/// JSON Schema 2020-12 as text, as event::json_schema<T>() writes it: references are "#/$defs/<name>" and the definitions lie
/// in "$defs" of the same text. Whoever composes a document moves them to where it keeps its definitions.
using SchemaText = std::string;

/// Schema of a described member: "string", "integer", "uint" (from 0), "number", "boolean", "date-time", "object", "any"; with
/// "|null" when it may be null; or a schema as JSON, which is returned as it is.
SchemaText member_schema(std::string_view words);

struct MemberDoc {
  std::string name;                               ///< with '?' at the end when it may be absent
  std::string words;                              ///< as member_schema() takes them
};
/// {"type":"object",...} of those members.
SchemaText object_schema(const std::vector<MemberDoc>& members);
SchemaText array_schema(std::string_view item_schema);

struct ParameterDoc {
  enum class In { path, query, header };
  std::string name;
  In in = In::path;
  std::string description = {};
  bool required = false;                          ///< a path parameter always is
  SchemaText schema = R"({"type":"string"})";
};

struct BodyDoc {
  std::string media_type = "application/json";
  SchemaText schema;                              ///< empty: any bytes
  std::string example;                            ///< a value as it is sent; empty: none
};

struct HeaderDoc {
  std::string name;
  std::string description;
  SchemaText schema = R"({"type":"string"})";
};

struct AnswerDoc {
  int status = 200;
  std::string description;
  std::vector<BodyDoc> bodies = {};               ///< one per media type; none: no body
  std::vector<HeaderDoc> headers = {};
};

/// RFC 9457, as problem_response() writes it.
inline constexpr const char* kProblemSchema =
    R"({"$ref":"#/$defs/Problem","$defs":{"Problem":{"type":"object","description":"RFC 9457 problem document",)"
    R"("properties":{"type":{"type":"string","format":"uri-reference"},"title":{"type":"string"},)"
    R"("status":{"type":"integer","minimum":400,"maximum":599},"detail":{"type":"string"}},"required":["type","title","status"]}}})";

/// An answer with a problem document.
inline AnswerDoc problem_doc(int status, std::string description) {
  return AnswerDoc{status, std::move(description), {{"application/problem+json", kProblemSchema, {}}}};
}

struct RouteDoc {
  std::string summary;                            ///< a few words; empty: the route is left out of the documents
  std::string description = {};                   ///< Markdown (CommonMark)
  std::vector<std::string> tags = {};             ///< none: the surface's name
  std::vector<ParameterDoc> parameters = {};
  std::vector<BodyDoc> request = {};              ///< the body by media type; none: no body is read
  bool request_required = true;
  std::vector<AnswerDoc> answers = {};            ///< by status, errors too
  std::vector<std::string> credentials = {};      ///< names of the surface's credentials, any of which suffices; none: open
};

/// A way to prove a right on a surface.
struct CredentialDoc {
  std::string name;                               ///< "operator"; what RouteDoc::credentials holds
  enum class Kind { header, bearer } kind = Kind::header;
  std::string header;                             ///< of Kind::header
  std::string description;
};

struct SurfaceDoc {
  std::string title;
  std::string description;
  std::vector<CredentialDoc> credentials = {};
};

}  // namespace tidemark::http
