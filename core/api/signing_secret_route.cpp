// GET /signing-secrets/:name: what an operator hands to a receiver of signed calls.

#include "core/api/outbound.hpp"
#include "core/api/routes.hpp"
#include "core/event/json_writer.hpp"
#include "core/http/client/signature.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kNameBytesMax = 255;

Task<http::Response> secret(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const std::string name(request.param("name"));
  if (name.size() > kNameBytesMax) co_return problem(400, "bad-input", "Bad input", "A name has at most 255 bytes");
  const auto secrets = services->signing_secrets(name);
  if (!secrets.ok()) co_return problem(500, "internal", "Internal error", secrets.error().message);
  std::string json;
  event::JsonWriter(json).begin_object().member("name", name).member("secret", http::webhook_secret_text(secrets->front())).end_object();
  http::Response response = http::json_response(200, std::move(json));
  response.header("Cache-Control", "no-store");
  co_return response;
}

}  // namespace

http::Route signing_secret_route(Shared services) {
  http::Route route;
  route.pattern = "/signing-secrets/:name";
  route.handler = [services](http::Request& request) { return secret(services, request); };
  route.doc.summary = "Secret of a receiver";
  route.doc.description = "What calls whose intent names this secret are signed with, as the receiver is given it (Standard Webhooks). Every name has one.";
  route.doc.tags = {"operation"};
  route.doc.parameters = {{.name = "name", .description = "As intents name it"}};
  route.doc.answers = {{.status = 200, .description = "The secret, whsec_ and base64",
                        .bodies = {{"application/json", R"({"type":"object","properties":{"name":{"type":"string"},"secret":{"type":"string"}},"required":["name","secret"]})", {}}}},
                       http::problem_doc(401, "No operator key"), http::problem_doc(403, "Another operator key")};
  route.doc.credentials = {"operator"};
  return route;
}

}  // namespace tidemark::api
