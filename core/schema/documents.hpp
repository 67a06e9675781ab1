#pragma once
// What an installation says about itself, made from its contract types and route tables: the schema bundle of each domain,
// OpenAPI 3.1, AsyncAPI 3.0, and a page for people. Formats: docs/formats/schemas.md.

#include <memory>
#include <string>
#include <vector>

#include "core/http/http.hpp"
#include "core/runtime/domain.hpp"

namespace tidemark::schema {

/// The part of a domain that documents are made of.
struct DomainContract {
  std::string name;
  std::vector<log::TopicSpec> topics;  ///< event topics
  Duration decisions_retention{};
  runtime::Contract contract;
};
/// Domains without a contract (tests) have no messages.
DomainContract contract_of(const runtime::Domain& domain);

struct Installation {
  std::string version;
  std::vector<DomainContract> domains;
  std::vector<const http::Surface*> surfaces;  ///< handlers are not touched
};

/// schemas/<domain>/<domain>.schema.json: see bundle.cpp. Names that `earlier`, an earlier bundle of the domain, had and this
/// one has not stay listed, so that they are not given another meaning; empty: there is none.
///   errors  corrupt: `earlier` is not a bundle
Result<std::string> make_bundle(const DomainContract& domain, std::string_view earlier);
/// `surface` alone when one is named: "" is the platform's.
std::string make_openapi(const Installation& installation, const std::string* surface = nullptr);
std::string make_asyncapi(const Installation& installation);
/// A page that stands alone: no scripts, no other files.
std::string make_docs_page(const Installation& installation);

/// The documents as served.
struct Documents {
  std::string openapi, asyncapi, page;
  std::vector<std::pair<std::string, std::string>> openapi_of;  ///< by surface
};
Documents make_documents(const Installation& installation);

/// GET /openapi.json, /asyncapi.json and /docs, open. `documents` may be filled after this, before the first request.
std::vector<http::Route> document_routes(std::shared_ptr<const Documents> documents);

}  // namespace tidemark::schema
