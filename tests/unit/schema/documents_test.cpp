// The documents of this program: whole, stable, and about every route.

#include "core/schema/documents.hpp"

#include <gtest/gtest.h>

#include "commands/builds/endpoint/registration.hpp"
#include "core/api/platform_surface.hpp"
#include "core/schema/compatibility.hpp"
#include "core/schema/json_text.hpp"
#include "tests/unit/schema/agreed.hpp"

namespace tidemark::schema {
namespace {

using event::JsonNode;

class Documents : public ::testing::Test {
 protected:
  Documents() {
    surfaces.push_back(api::platform_surface_table());
    for (http::Route& route : document_routes(nullptr)) surfaces.front().routes.push_back(std::move(route));
    surfaces.push_back(commands::builds::endpoint::builds_surface_table());
    installation.version = "1.2.3";
    installation.domains.push_back(contract_of(commands::builds::endpoint::make_builds_domain({})));
    for (const http::Surface& surface : surfaces) installation.surfaces.push_back(&surface);
  }
  std::vector<http::Surface> surfaces;
  Installation installation;
};

JsonNode at(JsonNode node, std::string_view pointer) {
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    std::string token(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(token.size());
    for (std::size_t found; (found = token.find("~1")) != std::string::npos;) token.replace(found, 2, "/");
    node = node[token];
  }
  return node;
}

void expect_references(JsonNode node, JsonNode root) {
  for (const JsonNode item : node.items()) expect_references(item, root);
  for (const auto& [name, value] : node.members()) {
    const auto reference = name == "$ref" ? value.as_string() : std::nullopt;
    EXPECT_TRUE(!reference || at(root, reference->substr(1))) << reference.value_or("");
    expect_references(value, root);
  }
}

TEST_F(Documents, EveryReferenceHasItsTarget) {
  const auto bundle = make_bundle(installation.domains.front(), {});
  ASSERT_TRUE(bundle.ok());
  for (const std::string& text : {make_openapi(installation), make_asyncapi(installation), *bundle}) {
    const auto document = event::JsonDocument::parse(text);
    ASSERT_TRUE(document.ok());
    expect_references(document->root(), document->root());
  }
}

TEST_F(Documents, AreTheSameBytesEveryTime) {
  // Without printing them: they are long.
  const std::string text = make_openapi(installation);
  EXPECT_TRUE(text == make_openapi(installation));
  EXPECT_TRUE(make_asyncapi(installation) == make_asyncapi(installation));
  EXPECT_TRUE(make_docs_page(installation) == make_docs_page(installation));
  EXPECT_TRUE(indented(text) == indented(indented(text)));
}

TEST_F(Documents, AreReadBackByTheComparison) {
  const std::string openapi = make_openapi(installation);
  const auto routes = compare_openapi(openapi, openapi);
  ASSERT_TRUE(routes.ok()) << routes.error().message;
  EXPECT_TRUE(routes->empty());
  const auto parsed = parse_bundle(*make_bundle(installation.domains.front(), {}));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_TRUE(compare_bundles(*parsed, *parsed).empty());
}

TEST_F(Documents, EveryRouteSaysWhatItPromises) {
  for (const http::Surface& surface : surfaces) {
    for (const http::Route& route : surface.routes) {
      const std::string name = surface.name + " " + route.pattern;
      EXPECT_FALSE(route.doc.summary.empty()) << name;
      EXPECT_FALSE(route.doc.answers.empty()) << name;
      EXPECT_TRUE(route.method != http::Method::get || route.doc.request.empty()) << name;
      for (const std::string& credential : route.doc.credentials) {
        const auto& known = surface.doc.credentials;
        EXPECT_TRUE(std::any_of(known.begin(), known.end(), [&](const auto& c) { return c.name == credential; })) << name << " " << credential;
      }
    }
  }
}

TEST_F(Documents, EveryCommandHasItsOwnPath) {
  const std::string text = make_openapi(installation);
  const auto document = event::JsonDocument::parse(text);
  const JsonNode operation = document->root()["paths"]["/commands/builds/SubmitBuild"]["post"];
  EXPECT_EQ(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_string(), "#/components/schemas/builds.SubmitBuild.v1");
  EXPECT_EQ(document->root()["components"]["schemas"]["builds.SubmitBuild.v1"]["additionalProperties"].as_bool(), false);
}

TEST_F(Documents, EveryMessageHasADescription) {
  for (const runtime::Message& message : installation.domains.front().contract.messages) EXPECT_FALSE(message.description.empty()) << message.name;
}

TEST_F(Documents, ASurfaceAloneHasItsOwnPaths) {
  const std::string builds = "builds", text = make_openapi(installation, &builds);
  const auto document = event::JsonDocument::parse(text);
  EXPECT_TRUE(document->root()["paths"]["/api/builds"]);
  EXPECT_FALSE(document->root()["paths"]["/livez"]);
  expect_references(document->root(), document->root());
}

TEST_F(Documents, ThePageNeedsNothingElse) {
  const std::string page = make_docs_page(installation);
  for (const std::string_view never : {"<script", "src=", "@import", "url("}) EXPECT_EQ(page.find(never), std::string::npos) << never;
  EXPECT_NE(page.find("name=\"viewport\""), std::string::npos);
  EXPECT_NE(page.find("curl -sS -X POST -H &quot;X-API-Key: $KEY&quot; -F source=@source.zip -F platform=... &quot;$TIDEMARK/builds/api/builds/submit&quot;"),
            std::string::npos);
}

TEST(Bundle, ADroppedNameStaysRemembered) {
  DomainContract shop{.name = "shop", .topics = {}, .contract = {}};
  shop.contract.definitions.schemas["Pinged.v1"] = R"({"type":"object","properties":{}})";
  const auto after = make_bundle(shop, kAgreedBundle);
  ASSERT_TRUE(after.ok()) << after.error().message;
  const auto again = make_bundle(shop, *after);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*after, *again);
  const auto parsed = parse_bundle(*again);
  ASSERT_TRUE(parsed.ok());
  EXPECT_NE(find(parsed->definitions.at("Pinged.v1").dropped, "seen"), nullptr);
  EXPECT_NE(find(parsed->definitions.at("Pinged.v1").dropped, "speed"), nullptr);
}

TEST(Bundle, ATypeThatOnlyADroppedNameUsedStaysToo) {
  DomainContract shop{.name = "shop", .topics = {}, .contract = {}};
  shop.contract.definitions.schemas["Placed.v2"] = R"({"type":"object","properties":{}})";
  const auto after = make_bundle(shop, kAgreedBundle);
  ASSERT_TRUE(after.ok());
  const auto parsed = parse_bundle(*after);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_TRUE(parsed->definitions.contains("Line"));
}

}  // namespace
}  // namespace tidemark::schema
