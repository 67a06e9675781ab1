#include "ops/cli/shadow_server.hpp"

#include <algorithm>
#include <optional>

#include "core/base/executors.hpp"
#include "core/http/client/url.hpp"
#include "replay/shadow/compare.hpp"

namespace tidemark::cli {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t(2) << 30;
// Above it an answer is written by hash; JSON is read and compared by value, so more of it is kept.
constexpr std::size_t kKeptBytesMax = 1u << 20, kKeptJsonBytesMax = 64u << 20;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

shadow::Response response_of(http::ClientAnswer answer) {
  shadow::Response response;
  response.status = answer.status;
  for (auto& [name, value] : answer.headers) response.headers.emplace_back(lower(std::move(name)), std::move(value));
  shadow::Body& body = response.body;
  body.bytes = std::move(answer.body);
  const bool json = shadow::is_json_type(response.header("content-type").value_or(""));
  if (body.bytes.size() <= (json ? kKeptJsonBytesMax : kKeptBytesMax)) return response;
  body.sha256 = body.digest();
  body.size = body.bytes.size();
  body.hashed = true;
  body.bytes.clear();
  return response;
}

}  // namespace

Result<std::unique_ptr<ShadowServer>> ShadowServer::make(std::string url, std::string ca_file) {
  const auto parsed = http::parse_call_url(url);
  if (!parsed.ok()) return parsed.error();
  if (url.find_first_of("?#") != std::string::npos) return make_error(Code::invalid_argument, "the URL has a query or a fragment");
  while (url.ends_with('/')) url.pop_back();
  std::unique_ptr<ShadowServer> made(new ShadowServer(std::move(url)));
  made->resolver_ = make_thread_pool("tm-lookup", 1);
  http::ClientOptions options;
  options.allowed_networks = {"0.0.0.0/0", "::/0"};
  options.ca_file = std::move(ca_file);
  options.answer_bytes_max = kAnswerBytesMax;
  auto client = http::make_client(*made->loop_, *made->resolver_, std::move(options));
  if (!client.ok()) return client.take_error();
  made->client_ = std::move(*client);
  made->loop_->on_termination_signal([self = made.get()](int) { self->interrupted_ = true; });
  return made;
}

Result<shadow::Response> ShadowServer::ask(const shadow::Request& request) {
  if (!request.target.starts_with('/')) return make_error(Code::invalid_argument, "the target is no path");
  if (request.target.find('#') != std::string::npos) return make_error(Code::invalid_argument, "the target has a fragment, which cannot be sent");
  if (request.header("upgrade")) return make_error(Code::invalid_argument, "the request asks for another protocol on its connection");
  http::ClientRequest call;
  call.method = request.method;
  call.url = url_ + request.target;
  call.body = request.body.bytes;
  call.deadline = kDeadline;
  for (const auto& [name, value] : request.headers) {
    if (!http::is_reserved_field(name)) call.headers.emplace_back(name, value);
  }
  std::optional<Result<http::ClientAnswer>> answer;
  client_->call(std::move(call), [&](Result<http::ClientAnswer> got) {
    answer.emplace(std::move(got));
    loop_->stop();
  });
  while (!answer) loop_->run();
  if (!answer->ok()) return answer->take_error();
  return response_of(std::move(**answer));
}

}  // namespace tidemark::cli
