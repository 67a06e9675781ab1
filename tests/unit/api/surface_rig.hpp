#pragma once
// The platform's surface over a real node with the tally domain, on a virtual scheduler and without sockets.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/api/platform_surface.hpp"
#include "core/base/bytes.hpp"
#include "core/event/json_document.hpp"
#include "core/http/router.hpp"
#include "core/http/uri.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::api::testing {

using namespace tidemark::testing;

/// A request as the server would hand it to the handler that its target finds.
class RigRequest final : public http::Request {
 public:
  RigRequest(http::Method method, std::string target, http::Headers headers, std::string body)
      : method_(method), target_(std::move(target)), headers_(std::move(headers)), body_(std::move(body)) {
    EXPECT_EQ(http::decode_path(http::split_target(target_).path, decoded_, path_), http::PathDecoding::ok) << target_;
  }
  const http::Route* find(const http::Router& router) {
    router.find(method_, path_, 0, match_);
    return match_.route == nullptr ? nullptr : &match_.route->route;
  }

  http::Method method() const override { return method_; }
  std::string_view method_name() const override { return http::name_of(method_); }
  std::string_view target() const override { return target_; }
  std::string_view surface_target() const override { return target_; }
  http::Headers fields() const override { return {headers_.begin(), headers_.end()}; }
  std::string_view path() const override { return path_.path; }
  std::string_view param(std::string_view name) const override {
    for (std::size_t i = 0; i < match_.route->parameters.size(); ++i) {
      if (match_.route->parameters[i] == name) return match_.captured[i];
    }
    return {};
  }
  std::optional<std::string> query(std::string_view name) const override { return http::query_value(http::split_target(target_).query, name); }
  std::optional<std::string_view> header(std::string_view name) const override {
    for (const auto& [given, value] : headers_) {
      if (same(given, name)) return value;
    }
    return std::nullopt;
  }
  std::size_t header_count(std::string_view name) const override {
    return static_cast<std::size_t>(std::count_if(headers_.begin(), headers_.end(), [&](const auto& h) { return same(h.first, name); }));
  }
  std::string_view peer_address() const override { return "127.0.0.1"; }
  std::optional<std::uint64_t> content_length() const override { return body_.size(); }
  bool has_body() const override { return !body_.empty(); }
  Task<Result<std::string>> read_body(std::size_t bytes_max) override {
    if (body_.size() > bytes_max) co_return make_error(Code::exhausted, "too large");
    co_return body_;
  }
  Task<Result<void>> read_multipart(http::MultipartSink&, http::MultipartLimits) override { co_return Result<void>(); }
  Task<Result<void>> read_stream(std::function<Task<Result<void>>(std::string_view)>, std::uint64_t) override { co_return Result<void>(); }

 private:
  static bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return std::tolower(x) == std::tolower(y); });
  }
  http::Method method_;
  std::string target_;
  http::Headers headers_;
  std::string body_, decoded_;
  http::DecodedPath path_;
  http::RouteMatch match_;
};

/// An answer with its body parsed.
struct Reply {
  http::Response response;
  std::string body;
  std::optional<event::JsonDocument> document;

  int status() const { return response.status; }
  event::JsonNode json() const { return document ? document->root() : event::JsonNode(); }
  std::string text(std::string_view member) const { return std::string(json()[member].as_string().value_or("(none)")); }
  std::string header(std::string_view name) const {
    for (const auto& [given, value] : response.headers) {
      if (given == name) return value;
    }
    return "(none)";
  }
};

class SurfaceRig : public ::testing::Test {
 protected:
  static constexpr const char* kKey = "the-operator";

  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  std::unique_ptr<TallyNode> node = std::make_unique<TallyNode>(scheduler, log, stores);
  std::unique_ptr<http::Router> router;

  void SetUp() override {
    ASSERT_TRUE(node->start().ok());
    open_surface();
  }
  /// Makes the surface over the present node.
  void open_surface(std::string ring = "ring") {
    const auto tag = [ring](std::string_view bytes) { return sha256(ring + std::string(bytes)).substr(0, 8); };
    http::Surface surface = make_platform_surface(
        {.node = **node, .blocking = scheduler, .position_tag = tag, .operator_key = kKey, .version = "1.2.3"});
    router = std::make_unique<http::Router>(std::move(surface.routes));
  }

  http::Response respond(http::Method method, const std::string& target, http::Headers headers = {}, std::string body = {}) {
    headers.emplace_back("X-Operator-Key", kKey);
    auto request = std::make_shared<RigRequest>(method, target, std::move(headers), std::move(body));
    const http::Route* route = request->find(*router);
    if (route == nullptr) {
      ADD_FAILURE() << "no route for " << target;
      return {};
    }
    return node->run(route->handler(*request));
  }
  Reply ask(http::Method method, const std::string& target, http::Headers headers = {}, std::string body = {}) {
    Reply reply;
    reply.response = respond(method, target, std::move(headers), std::move(body));
    if (const auto* text = std::get_if<std::string>(&reply.response.body)) reply.body = *text;
    return parsed(std::move(reply));
  }
  Reply get(const std::string& target, http::Headers headers = {}) { return ask(http::Method::get, target, std::move(headers)); }
  Reply post(const std::string& target, std::string body, http::Headers headers = {}) {
    return ask(http::Method::post, target, std::move(headers), std::move(body));
  }
  static std::string problem_of(const Reply& reply) { return std::to_string(reply.status()) + " " + reply.text("type"); }

 private:
  static Reply parsed(Reply reply) {
    kept_.push_back(std::make_unique<std::string>(reply.body));
    auto document = event::JsonDocument::parse(*kept_.back());
    if (document.ok()) reply.document.emplace(std::move(*document));
    return reply;
  }
  static inline std::vector<std::unique_ptr<std::string>> kept_;  // a document points into its text
};

}  // namespace tidemark::api::testing
