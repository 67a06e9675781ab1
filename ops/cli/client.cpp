#include "ops/cli/client.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fstream>

#include "core/event/json_document.hpp"

namespace tidemark::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;

constexpr std::uint64_t kBodyBytesMax = 64u << 20;

}  // namespace

struct Client::Connection {
  asio::io_context context;
  Tcp::socket socket{context};
  beast::flat_buffer buffer;
};

Client::Client(std::string url, std::string operator_key) : url_(std::move(url)), operator_key_(std::move(operator_key)) {
  std::string rest = url_.substr(std::string_view("http://").size());
  while (!rest.empty() && rest.back() == '/') rest.pop_back();
  const auto colon = rest.rfind(':');
  const bool has_port = colon != rest.npos && rest.find(']', colon) == rest.npos;
  host_ = has_port ? rest.substr(0, colon) : rest;
  port_ = has_port ? rest.substr(colon + 1) : "80";
  if (host_.size() > 2 && host_.front() == '[' && host_.back() == ']') host_ = host_.substr(1, host_.size() - 2);
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

Result<Answer> Client::call(const std::string& method, const std::string& target, std::string body,
                            const std::vector<std::pair<std::string, std::string>>& headers) {
  const bool reused = connection_ != nullptr;
  boost::system::error_code error;
  if (!reused) {
    connection_ = std::make_unique<Connection>();
    Tcp::resolver resolver(connection_->context);
    const auto addresses = resolver.resolve(host_, port_, error);
    if (!error) asio::connect(connection_->socket, addresses, error);
    if (error) {
      connection_.reset();
      return make_error(Code::unavailable, "no node answers at " + url_ + " (" + error.message() + "); name another with --server");
    }
    connection_->socket.set_option(Tcp::no_delay(true), error);
  }
  beast::http::request<beast::http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(target);
  request.set(beast::http::field::host, host_ + ":" + port_);
  request.set(beast::http::field::authorization, "Bearer " + operator_key_);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = std::move(body);
  request.prepare_payload();
  beast::http::write(connection_->socket, request, error);
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(kBodyBytesMax);
  if (!error) beast::http::read(connection_->socket, connection_->buffer, parser, error);
  if (error) {
    connection_.reset();
    // A kept connection may have been closed between two requests; only what changes nothing is asked again.
    if (reused && method == "GET") return call(method, target, {}, headers);
    return make_error(Code::unavailable, "the connection to " + url_ + " broke before the answer (" + error.message() + ")");
  }
  const auto& response = parser.get();
  Answer answer;
  answer.status = static_cast<int>(response.result_int());
  for (const auto& field : response) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    answer.headers[name] = std::string(field.value());
  }
  answer.body = response.body();
  if (!response.keep_alive()) connection_.reset();
  return answer;
}

Result<std::string> read_operator_key(const std::string& keys) {
  const std::string path = keys + "/operator.key";
  std::ifstream file(path);
  std::string key;
  if (!file || !std::getline(file, key) || key.empty()) {
    return make_error(Code::not_found, "no operator key in " + path + "; name its directory with --keys, or the data with --data");
  }
  return key;
}

std::string explain(const Answer& answer) {
  std::string text = "status " + std::to_string(answer.status);
  const auto document = event::JsonDocument::parse(answer.body);
  if (!document.ok() || !document->root().is_object()) return text + (answer.body.empty() ? "" : ": " + answer.body);
  const auto root = document->root();
  if (const auto reason = root["reason"].as_string()) text += " " + std::string(*reason);
  if (const auto title = root["title"].as_string()) text += ": " + std::string(*title);
  if (const auto detail = root["detail"].as_string()) text += " (" + std::string(*detail) + ")";
  for (const auto error : root["errors"].items()) {
    const std::string pointer(error["pointer"].as_string().value_or(""));
    text += "\n  " + (pointer.empty() ? "(document)" : pointer) + ": " + std::string(error["detail"].as_string().value_or(""));
  }
  return text;
}

}  // namespace tidemark::cli
