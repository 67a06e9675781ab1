#include "core/api/outbound.hpp"

#include "core/http/client/signature.hpp"
#include "core/http/head.hpp"

namespace tidemark::api {
namespace {

class HttpCalls final : public runtime::OutboundCalls {
 public:
  HttpCalls(http::Client& client, Scheduler& scheduler, SigningSecrets secrets) : client_(client), scheduler_(scheduler), secrets_(std::move(secrets)) {}

  void call(runtime::OutboundCall call, Fn<void(Result<runtime::OutboundAnswer>)> done) override {
    http::ClientRequest request{std::move(call.method), std::move(call.url), {}, std::move(call.body), call.deadline};
    if (auto headers = headers_of(call, request.body)) {
      request.headers = std::move(*headers);
    } else {
      scheduler_.post([done = std::move(done), error = headers.take_error()]() mutable { done(std::move(error)); });
      return;
    }
    client_.call(std::move(request), [&scheduler = scheduler_, done = std::move(done)](Result<http::ClientAnswer> answer) mutable {
      if (!answer) return done(answer.take_error());
      const auto again = http::retry_after(answer->headers, scheduler.wall());
      done(runtime::OutboundAnswer{answer->status, std::move(answer->body), again});
    });
  }

 private:
  Result<http::Headers> headers_of(const runtime::OutboundCall& call, const std::string& body) const {
    http::Headers headers{{"Idempotency-Key", call.idempotency_key}};
    if (!call.content_type.empty()) headers.emplace_back("Content-Type", call.content_type);
    if (!call.traceparent.empty()) headers.emplace_back("traceparent", call.traceparent);
    if (!call.signing.empty()) {
      auto secrets = secrets_(call.signing);
      if (!secrets) return secrets.take_error();
      for (auto& field : http::webhook_signature(*secrets, call.idempotency_key, scheduler_.wall(), body)) headers.push_back(std::move(field));
    }
    const std::size_t own = headers.size();
    for (const auto& [name, value] : call.headers) {
      for (std::size_t i = 0; i < own; ++i) {
        if (http::same_token(headers[i].first, name)) return make_error(Code::invalid_argument, "the header " + name + " is the platform's");
      }
      headers.emplace_back(name, value);
    }
    return headers;
  }

  http::Client& client_;
  Scheduler& scheduler_;
  const SigningSecrets secrets_;
};

}  // namespace

std::unique_ptr<runtime::OutboundCalls> make_outbound_calls(http::Client& client, Scheduler& scheduler, SigningSecrets secrets) {
  return std::make_unique<HttpCalls>(client, scheduler, std::move(secrets));
}

}  // namespace tidemark::api
