#include "tests/integration/http/surfaces.hpp"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace tidemark::http::testing {
namespace {

Response text(int status, std::string body) {
  Response response;
  response.status = status;
  response.header("Content-Type", "text/plain");
  response.body = std::move(body);
  return response;
}

Response failure(const Error& error) {
  const int status = error.code == Code::exhausted ? 413 : error.code == Code::timed_out ? 408 : 400;
  return text(status, describe(error));
}

Task<Response> hello(Request&) { co_return text(200, "hello"); }

Task<Response> echo(Request& request) {
  Result<std::string> body = co_await request.read_body(4u << 20);
  if (!body) co_return failure(body.error());
  co_return text(200, std::move(*body));
}

/// Answers before reading unless the credential is right.
Task<Response> guarded(Request& request) {
  if (!same_secret(request.header("x-key").value_or(""), "open sesame")) co_return text(401, "no");
  Result<std::string> body = co_await request.read_body(1u << 20);
  if (!body) co_return failure(body.error());
  co_return text(200, std::to_string(body->size()));
}

Task<Response> count(Request& request) {
  std::uint64_t bytes = 0;
  auto consume = [&bytes](std::string_view piece) -> Task<Result<void>> {
    bytes += piece.size();
    co_return Result<void>();
  };
  std::function<Task<Result<void>>(std::string_view)> each = consume;
  Task<Result<void>> reading = request.read_stream(std::move(each), 64u << 20);
  Result<void> read = co_await std::move(reading);
  if (!read) co_return failure(read.error());
  co_return text(200, std::to_string(bytes));
}

class Describer final : public MultipartSink {
 public:
  Task<Result<void>> begin_part(PartHead head) override {
    out_ += "[" + head.name + "|" + (head.is_file ? head.filename : "-") + "|" + head.content_type + "|";
    bytes_ = 0;
    co_return Result<void>();
  }
  Task<Result<void>> part_data(std::string_view bytes) override {
    bytes_ += bytes.size();
    co_return Result<void>();
  }
  Task<Result<void>> end_part() override {
    out_ += std::to_string(bytes_) + "]";
    co_return Result<void>();
  }
  std::string out_;
  std::size_t bytes_ = 0;
};

Task<Response> form(Request& request) {
  Describer sink;
  MultipartLimits limits;
  limits.body_bytes_max = 64u << 20;
  Result<void> read = co_await request.read_multipart(sink, limits);
  if (!read) co_return failure(read.error());
  co_return text(200, sink.out_);
}

/// 1 MiB of bytes i * 7 + 3, beginning 10 bytes into a temporary file.
std::shared_ptr<int> pattern_file() {
  static const std::shared_ptr<int> file = [] {
    char name[] = "/tmp/tidemark-http-XXXXXX";
    const int fd = ::mkstemp(name);
    ::unlink(name);
    std::string content(10, 'x');
    for (std::size_t i = 0; i < 1u << 20; ++i) content += static_cast<char>(i * 7 + 3);
    if (fd < 0 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) std::abort();
    return std::shared_ptr<int>(new int(fd), [](int* each) {
      ::close(*each);
      delete each;
    });
  }();
  return file;
}

Task<Response> file(Request&) {
  Response response;
  response.header("Content-Type", "application/octet-stream");
  response.body = FileBody{pattern_file(), 10, 1u << 20, "\"pattern\""};
  co_return response;
}

Task<Response> huge(Request&) { co_return text(200, std::string(64u << 20, 'h')); }

Task<Response> describe_request(Request& request) {
  co_return text(200, std::string(request.path()) + "|" + std::string(request.param("id")) + "|" + request.query("q").value_or("-"));
}

Task<Response> throws(Request&) {
  throw std::runtime_error("deliberate");
  co_return Response();
}

Task<Response> splitting(Request&) {
  Response response = text(200, "x");
  response.header("X-Name", "a\r\nEvil: yes");
  co_return response;
}

Route route(Method method, std::string pattern, Handler handler, RouteOptions options = {}) {
  Route out;
  out.method = method;
  out.pattern = std::move(pattern);
  out.handler = std::move(handler);
  out.options = options;
  return out;
}

std::vector<Route> routes() {
  RouteOptions large;
  large.body_bytes_max = 64u << 20;
  large.body_deadline = Duration(0);
  RouteOptions small;
  small.body_bytes_max = 1000;
  RouteOptions own = small;
  own.handler_checks_length = true;
  RouteOptions slash;
  slash.allow_trailing_slash = true;
  std::vector<Route> out;
  out.push_back(route(Method::get, "/", hello));
  out.push_back(route(Method::get, "/hello", hello, slash));
  out.push_back(route(Method::post, "/echo", echo, large));
  out.push_back(route(Method::put, "/echo", echo));
  out.push_back(route(Method::post, "/small", echo, small));
  out.push_back(route(Method::post, "/own", guarded, own));
  out.push_back(route(Method::post, "/guarded", guarded, large));
  out.push_back(route(Method::post, "/count", count, large));
  out.push_back(route(Method::post, "/form", form, large));
  out.push_back(route(Method::get, "/file", file));
  out.push_back(route(Method::get, "/huge", huge));
  out.push_back(route(Method::get, "/items/:id", describe_request));
  out.push_back(route(Method::get, "/throws", throws));
  out.push_back(route(Method::get, "/splitting", splitting));
  return out;
}

}  // namespace

std::vector<Surface> test_surfaces() {
  Surface platform;
  platform.routes = routes();
  platform.fault = problem_fault;
  Surface shop;
  shop.name = "shop";
  shop.routes = routes();
  shop.cors.enabled = true;
  shop.method_mismatch_is_not_found = true;
  shop.fault = [](Fault fault, std::string_view detail, std::string_view) {
    Response response;
    response.status = status_of(fault);
    response.header("Content-Type", "text/x-shop");
    response.body = "{\"error\":\"" + std::string(detail) + "\"}";
    return response;
  };
  std::vector<Surface> out;
  out.push_back(std::move(platform));
  out.push_back(std::move(shop));
  return out;
}

}  // namespace tidemark::http::testing
