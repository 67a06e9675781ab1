#include "core/http/client/client.hpp"

#include <netdb.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <cstring>

#include "core/http/asio_loop.hpp"
#include "core/http/client/authorities.hpp"
#include "core/http/client/url.hpp"
#include "core/http/head.hpp"

namespace tidemark::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeaderBytesMax = 32u << 10;
constexpr int kInterimAnswersMax = 8;

Error failed(const char* what, const error_code& error) { return make_error(Code::unavailable, std::string(what) + " failed: " + error.message()); }

std::optional<Error> bad_request(const ClientRequest& request) {
  const auto is_token = [](std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); };
  if (!is_token(request.method) || same_token(request.method, "CONNECT")) return make_error(Code::invalid_argument, "the method cannot be called");
  for (const auto& [name, value] : request.headers) {
    const bool clean = std::all_of(value.begin(), value.end(), [](char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
    if (!is_token(name) || !clean || is_reserved_field(name)) return make_error(Code::invalid_argument, "the header " + name.substr(0, 64) + " cannot be sent");
  }
  return std::nullopt;
}

Result<std::vector<IpAddress>> system_resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return make_error(Code::unavailable, "looking up " + host + " failed: " + ::gai_strerror(error));
  }
  std::vector<IpAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (const auto address = parse_ip(text)) addresses.push_back(*address);  // one with a zone is link-local, and no use here
  }
  ::freeaddrinfo(found);
  return addresses;
}

tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (!address.is_v4()) return {asio::ip::address_v6(address.bytes), port};
  asio::ip::address_v4::bytes_type bytes;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), bytes.begin());
  return {asio::ip::address_v4(bytes), port};
}

/// What all calls share; lives as long as the last of them.
struct Shared {
  asio::io_context& context;
  Scheduler& scheduler;
  Executor& resolver;
  ClientOptions options;
  AddressPolicy policy;
  ssl::context tls{ssl::context::tls_client};
  std::size_t under_way = 0;
};

/// One call. Ends once: with its answer or at its deadline, whichever comes first.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(std::shared_ptr<Shared> shared, ClientRequest request, CallUrl url, Fn<void(Result<ClientAnswer>)> done)
      : shared_(std::move(shared)), request_(std::move(request)), url_(std::move(url)), done_(std::move(done)), socket_(shared_->context) {
    ++shared_->under_way;
  }
  ~Call() { --shared_->under_way; }

  void start() {
    // Not an owner: the loop's timers may outlive what a socket needs.
    deadline_ = shared_->scheduler.after(request_.deadline, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->finish(make_error(Code::timed_out, "the call took longer than " + std::to_string(self->request_.deadline.count()) + " ms"));
      error_code ignored;
      self->socket_.close(ignored);
    });
    if (url_.is_address) return resolved(std::vector<IpAddress>{*parse_ip(url_.host)});
    shared_->resolver.post([self = shared_from_this()]() mutable {
      auto found = self->shared_->options.resolve(self->url_.host);
      auto& home = self->shared_->scheduler;
      home.post([self = std::move(self), found = std::move(found)]() mutable { self->resolved(std::move(found)); });
    });
  }

 private:
  void resolved(Result<std::vector<IpAddress>> found) {
    if (!done_) return;
    if (!found) return finish(found.take_error());
    std::vector<tcp::endpoint> endpoints;
    for (const IpAddress& address : *found) {
      if (url_.tls ? shared_->policy.allows(address) : shared_->policy.is_listed(address)) endpoints.push_back(endpoint_of(address, url_.port));
    }
    if (found->empty()) return finish(make_error(Code::unavailable, url_.host + " has no address"));
    if (endpoints.empty()) {
      return finish(make_error(Code::invalid_argument, url_.host + " is at " + to_string(found->front()) + (url_.tls ? ", which may not be called" : ", which may not be called without TLS")));
    }
    auto run = [self = shared_from_this(), endpoints = std::move(endpoints)]() mutable { return self->run(self, std::move(endpoints)); };
    asio::co_spawn(shared_->context, std::move(run), asio::detached);
  }

  /// `self` keeps the call while the coroutine runs.
  asio::awaitable<void> run(std::shared_ptr<Call> self, std::vector<tcp::endpoint> endpoints) {
    error_code failure;
    for (const tcp::endpoint& endpoint : endpoints) {
      if (!self->done_) co_return;
      socket_ = tcp::socket(shared_->context);
      auto [error] = co_await socket_.async_connect(endpoint, kAwait);
      failure = error;
      if (!failure) break;
    }
    if (failure) {
      finish(failed("connecting", failure));
      co_return;
    }
    if (!url_.tls) {
      auto plain = exchange(socket_);
      auto answer = co_await std::move(plain);
      finish(std::move(answer));
      co_return;
    }
    ssl::stream<tcp::socket&> stream(socket_, shared_->tls);
    if (!url_.is_address) ::SSL_set_tlsext_host_name(stream.native_handle(), url_.host.c_str());
    stream.set_verify_callback(ssl::host_name_verification(url_.host));
    auto [error] = co_await stream.async_handshake(ssl::stream_base::client, kAwait);
    if (error) {
      const long verdict = ::SSL_get_verify_result(stream.native_handle());
      finish(verdict == X509_V_OK ? failed("TLS", error)
                                  : make_error(Code::unavailable, std::string("the certificate is not accepted: ") + ::X509_verify_cert_error_string(verdict)));
      co_return;
    }
    auto secure = exchange(stream);
    auto answer = co_await std::move(secure);
    finish(std::move(answer));
  }

  template <class Stream>
  asio::awaitable<Result<ClientAnswer>> exchange(Stream& stream) {
    beast::http::request<beast::http::string_body> message;
    message.method_string(request_.method);
    message.target(url_.target);
    message.version(11);
    message.set(beast::http::field::host, url_.authority());
    message.set(beast::http::field::user_agent, "tidemark");
    message.set(beast::http::field::connection, "close");
    for (auto field = request_.headers.begin(); field != request_.headers.end(); ++field) {
      const bool repeated = std::any_of(request_.headers.begin(), field, [&](const auto& earlier) { return same_token(earlier.first, field->first); });
      if (repeated) message.insert(field->first, field->second);
      else message.set(field->first, field->second);
    }
    message.body() = std::move(request_.body);
    message.prepare_payload();
    auto [unsent, sent] = co_await beast::http::async_write(stream, message, kAwait);
    if (unsent) co_return failed("sending", unsent);

    beast::flat_buffer buffer(kHeaderBytesMax + shared_->options.answer_bytes_max);
    for (int interim = 0; interim <= kInterimAnswersMax; ++interim) {
      beast::http::response_parser<beast::http::string_body> parser;
      parser.header_limit(kHeaderBytesMax);
      parser.body_limit(shared_->options.answer_bytes_max);
      if (same_token(request_.method, "HEAD")) parser.skip(true);
      auto [unread, got] = co_await beast::http::async_read(stream, buffer, parser, kAwait);
      if (unread == beast::http::error::body_limit || unread == beast::http::error::header_limit || unread == beast::http::error::buffer_overflow) {
        co_return make_error(Code::exhausted, "the answer is larger than " + std::to_string(shared_->options.answer_bytes_max) + " bytes");
      }
      if (unread) co_return failed("reading the answer", unread);
      if (parser.get().result_int() < 200) continue;
      ClientAnswer answer;
      answer.status = static_cast<int>(parser.get().result_int());
      for (const auto& field : parser.get()) answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
      answer.body = std::move(parser.get().body());
      co_return answer;
    }
    co_return make_error(Code::unavailable, "the receiver sent interim answers only");
  }

  void finish(Result<ClientAnswer> answer) {
    if (!done_) return;
    shared_->scheduler.cancel(deadline_);
    auto done = std::exchange(done_, nullptr);
    shared_->scheduler.post([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

  const std::shared_ptr<Shared> shared_;
  ClientRequest request_;
  const CallUrl url_;
  Fn<void(Result<ClientAnswer>)> done_;  ///< empty once it has ended
  tcp::socket socket_;
  TimerId deadline_ = 0;
};

class AsioClient final : public Client {
 public:
  explicit AsioClient(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  void call(ClientRequest request, Fn<void(Result<ClientAnswer>)> done) override {
    auto refused = bad_request(request);
    auto url = parse_call_url(request.url);
    if (!refused && !url) refused = url.take_error();
    if (!refused && shared_->under_way >= shared_->options.calls_max) refused = make_error(Code::unavailable, "too many calls are under way");
    if (refused) {
      shared_->scheduler.post([done = std::move(done), error = std::move(*refused)]() mutable { done(std::move(error)); });
      return;
    }
    std::make_shared<Call>(shared_, std::move(request), std::move(*url), std::move(done))->start();
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

bool is_reserved_field(std::string_view name) {
  static constexpr std::string_view kNames[] = {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade",
                                                "te", "trailer", "expect", "proxy-connection", "proxy-authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view reserved) { return same_token(reserved, name); });
}

Result<std::unique_ptr<Client>> make_client(AsioLoop& loop, Executor& resolver, ClientOptions options) {
  auto policy = AddressPolicy::parse(options.allowed_networks);
  if (!policy) return policy.take_error();
  if (!options.resolve) options.resolve = system_resolve;
  const std::string ca_file = options.ca_file;
  auto shared = std::make_shared<Shared>(Shared{static_cast<LoopWithContext&>(loop).context(), loop.scheduler(), resolver, std::move(options), std::move(*policy)});
  if (auto trusted = trust_authorities(shared->tls, ca_file); !trusted.ok()) return trusted.take_error();
  return std::unique_ptr<Client>(std::make_unique<AsioClient>(std::move(shared)));
}

std::optional<Duration> retry_after(const Headers& headers, Time now) {
  for (const auto& [name, value] : headers) {
    if (!same_token(name, "Retry-After")) continue;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc() && end == value.data() + value.size() && seconds >= 0 && seconds <= 1'000'000'000) return std::chrono::seconds(seconds);
    tm parts{};
    const char* rest = ::strptime(value.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    return std::max(Duration(0), Duration(from_ms(static_cast<std::int64_t>(::timegm(&parts)) * 1000) - now));
  }
  return std::nullopt;
}

}  // namespace tidemark::http
