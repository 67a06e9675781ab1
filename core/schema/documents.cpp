#include "core/schema/documents.hpp"

namespace tidemark::schema {
namespace {

Task<http::Response> send(std::string content_type, std::string body) {
  http::Response response;
  response.header("Content-Type", std::move(content_type)).header("Cache-Control", "no-cache");
  response.body = std::move(body);
  co_return response;
}

Task<http::Response> send_openapi(std::shared_ptr<const Documents> documents, const http::Request& request) {
  const auto wanted = request.query("surface");
  if (!wanted) return send("application/json", documents->openapi);
  for (const auto& [surface, document] : documents->openapi_of) {
    if (surface == *wanted) return send("application/json", document);
  }
  return [](http::Response response) -> Task<http::Response> { co_return response; }(
      http::problem_response({.status = 404, .type = "/problems/no-such-surface", .title = "No such surface",
                              .detail = "GET /openapi.json without a query has them all", .members = {}}));
}

http::Route document_route(std::string pattern, http::RouteDoc doc, http::Handler handler) {
  http::Route route;
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  route.doc = std::move(doc);
  route.doc.tags = {"documents"};
  return route;
}

}  // namespace

DomainContract contract_of(const runtime::Domain& domain) {
  return {domain.name, domain.topics, domain.decisions_retention, domain.contract ? domain.contract() : runtime::Contract()};
}

Documents make_documents(const Installation& installation) {
  Documents made;
  made.openapi = make_openapi(installation);
  made.asyncapi = make_asyncapi(installation);
  made.page = make_docs_page(installation);
  for (const http::Surface* surface : installation.surfaces) {
    made.openapi_of.emplace_back(surface->name, make_openapi(installation, &surface->name));
  }
  return made;
}

std::vector<http::Route> document_routes(std::shared_ptr<const Documents> documents) {
  std::vector<http::Route> routes;
  routes.push_back(document_route(
      "/openapi.json",
      {.summary = "OpenAPI document",
       .description = "OpenAPI 3.1 of every surface of this installation, made from the routes that it serves.",
       .parameters = {{.name = "surface", .in = http::ParameterDoc::In::query,
                       .description = "Only that surface, with paths as on a listener of its own; empty for the platform's"}},
       .answers = {{200, "The document", {{"application/json", R"({"type":"object"})", {}}}}, http::problem_doc(404, "No such surface")}},
      [documents](http::Request& request) { return send_openapi(documents, request); }));
  routes.push_back(document_route(
      "/asyncapi.json",
      {.summary = "AsyncAPI document", .description = "AsyncAPI 3.0 of the topics of the log and the messages in them.",
       .answers = {{200, "The document", {{"application/json", R"({"type":"object"})", {}}}}}},
      [documents](http::Request&) { return send("application/json", documents->asyncapi); }));
  routes.push_back(document_route(
      "/docs", {.summary = "This interface for people", .answers = {{200, "A page", {{"text/html", R"({"type":"string"})", {}}}}}},
      [documents](http::Request&) { return send("text/html; charset=utf-8", documents->page); }));
  return routes;
}

}  // namespace tidemark::schema
