#include "core/http/relay/relay.hpp"

#include <charconv>
#include <stdexcept>

#include "core/http/asio_loop.hpp"
#include "core/http/client/authorities.hpp"
#include "core/http/head.hpp"
#include "core/http/relay/answer_reader.hpp"
#include "core/http/relay/peer_connection.hpp"
#include "core/http/relay/places.hpp"

namespace tidemark::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPieceBytes = 64u << 10;
/// Answers up to it are read whole: an error in their middle is still an answer of its own.
constexpr std::uint64_t kWholeBytes = 256u << 10;

std::string hexadecimal(std::size_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  return std::string(digits, end);
}

/// What goes before the body.
std::string head_of(const Request& request, const std::string& surface, const CallUrl& url) {
  const Headers fields = request.fields();
  std::string out(request.method_name());
  out += " /" + surface;
  out += request.surface_target();
  out += " HTTP/1.1\r\nHost: " + url.authority() + "\r\nConnection: close\r\n";
  std::string named;  // as concerning the connection
  for (const auto& [name, value] : fields) {
    if (same_token(name, "connection")) named += (named.empty() ? "" : ",") + value;
  }
  for (const auto& [name, value] : fields) {
    if (concerns_connection(name) || list_has(named, name) || same_token(name, kRelayedField)) continue;
    out += name + ": " + value + "\r\n";
  }
  out += std::string(kRelayedField) + ": 1\r\n";
  out += "X-Forwarded-For: " + std::string(request.peer_address()) + "\r\n";
  if (const auto length = request.content_length()) out += "Content-Length: " + std::to_string(*length) + "\r\n";
  else if (request.has_body()) out += "Transfer-Encoding: chunked\r\n";
  return out + "\r\n";
}

/// Of the other node's server: this one's says the same of itself.
bool is_of_server(const std::pair<std::string, std::string>& field) {
  return same_token(field.first, "traceresponse") || same_token(field.first.substr(0, 15), "access-control-") ||
         (same_token(field.first, "vary") && same_token(field.second, "origin"));
}

struct Places {
  asio::io_context& context;
  Scheduler& scheduler;
  Executor& resolver;
  RelayOptions options;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  std::size_t under_way = 0;
};

/// One request at the other node, until its answer has been given.
class Exchange {
 public:
  Exchange(std::shared_ptr<Places> places, bool of_head_request)
      : places_(std::move(places)), connection_(std::make_shared<PeerConnection>(places_->context, places_->tls, places_->scheduler)), reader_(of_head_request) {
    ++places_->under_way;
  }
  ~Exchange() {
    connection_->close();
    --places_->under_way;
  }
  Exchange(const Exchange&) = delete;

  const RelayOptions& options() const { return places_->options; }
  PeerConnection& connection() { return *connection_; }
  AnswerReader& reader() { return reader_; }

  Task<Result<void>> send(Request& request) {
    const bool chunked = !request.content_length();
    auto consume = [this, chunked](std::string_view bytes) -> Task<Result<void>> { return send_piece(bytes, chunked); };
    auto reading = request.read_stream(std::move(consume), UINT64_MAX);
    auto read = co_await std::move(reading);
    if (peer_failed_) co_return Result<void>();  // it may have answered before it stopped taking
    if (!read.ok()) co_return read;
    if (chunked) {
      auto ending = connection_->write("0\r\n\r\n", options().stall_timeout);
      (void)co_await std::move(ending);
    }
    co_return Result<void>();
  }

  Task<Result<void>> read_head() {
    while (true) {
      auto state = reader_.read_head();
      if (!state.ok()) co_return state.take_error();
      if (*state == AnswerReader::State::done) co_return Result<void>();
      auto reading = connection_->read(kPieceBytes, options().answer_deadline);
      auto bytes = co_await std::move(reading);
      if (!bytes.ok()) co_return bytes.take_error();
      if (bytes->empty()) co_return make_error(Code::unavailable, "the node went away before it answered");
      reader_.feed(*bytes);
    }
  }

  /// "" at the end.
  Task<Result<std::string>> next_piece() {
    std::string piece;
    while (true) {
      auto state = reader_.read_body(kPieceBytes, piece);
      if (!state.ok()) co_return state.take_error();
      if (!piece.empty() || *state == AnswerReader::State::done) co_return piece;
      auto reading = connection_->read(kPieceBytes, options().stall_timeout);
      auto bytes = co_await std::move(reading);
      if (!bytes.ok()) co_return bytes.take_error();
      if (bytes->empty()) {
        auto ended = reader_.feed_end();
        if (!ended.ok()) co_return ended.take_error();
      } else {
        reader_.feed(*bytes);
      }
    }
  }

 private:
  Task<Result<void>> send_piece(std::string_view bytes, bool chunked) {
    std::string out;
    if (chunked) out = hexadecimal(bytes.size()) + "\r\n";
    out += bytes;
    if (chunked) out += "\r\n";
    auto writing = connection_->write(std::move(out), options().stall_timeout);
    auto written = co_await std::move(writing);
    peer_failed_ = !written.ok();
    co_return written;
  }

  const std::shared_ptr<Places> places_;
  const std::shared_ptr<PeerConnection> connection_;
  AnswerReader reader_;
  bool peer_failed_ = false;
};

Task<void> give_body(std::shared_ptr<Exchange> exchange, BodyStream& stream) {
  stream.on_close([weak = std::weak_ptr<Exchange>(exchange)] {
    if (const auto still = weak.lock()) still->connection().close();
  });
  while (true) {
    auto reading = exchange->next_piece();
    auto piece = co_await std::move(reading);
    if (!piece.ok()) throw std::runtime_error(piece.error().message);
    if (piece->empty()) break;
    auto writing = stream.write(std::move(*piece));
    const auto written = co_await std::move(writing);
    if (!written.ok()) throw std::runtime_error(written.error().message);
  }
  stream.on_close(nullptr);
}

class AsioRelay final : public Relay {
 public:
  explicit AsioRelay(std::shared_ptr<Places> places) : places_(std::move(places)) {}

  Task<Result<Response>> pass_on(Request& request, std::string surface, std::string url_text) override {
    const auto url = parse_call_url(url_text);
    if (!url.ok()) co_return make_error(Code::unavailable, "the node's URL " + url_text + " cannot be called: " + url.error().message);
    if (places_->under_way >= places_->options.exchanges_max) co_return make_error(Code::unavailable, "too many requests are being passed on");
    const auto exchange = std::make_shared<Exchange>(places_, request.method() == Method::head);
    auto looking = run_on(places_->resolver, places_->scheduler, [url = *url] { return look_up(url); });
    auto addresses = co_await std::move(looking);
    if (!addresses.ok()) co_return addresses.take_error();
    auto connecting = exchange->connection().connect(*url, std::move(*addresses), places_->options.connect_deadline);
    auto done = co_await std::move(connecting);
    if (!done.ok()) co_return done.take_error();
    auto writing = exchange->connection().write(head_of(request, surface, *url), places_->options.stall_timeout);
    done = co_await std::move(writing);
    if (!done.ok()) co_return done.take_error();
    if (request.has_body()) {
      auto sending = exchange->send(request);
      done = co_await std::move(sending);
      if (!done.ok()) co_return done.take_error();
    }
    auto reading = exchange->read_head();
    done = co_await std::move(reading);
    if (!done.ok()) co_return done.take_error();
    auto answering = answer(exchange, request.method() == Method::head);
    auto response = co_await std::move(answering);
    co_return response;
  }

 private:
  static Task<Result<Response>> answer(std::shared_ptr<Exchange> exchange, bool of_head_request) {
    Response response;
    response.status = exchange->reader().status();
    for (auto& field : exchange->reader().fields()) {
      if (!is_of_server(field)) response.headers.push_back(std::move(field));
    }
    const auto length = exchange->reader().length();
    if (of_head_request && length) {
      response.header("Content-Length", std::to_string(*length));
      response.body = StreamBody{};  // of which a HEAD sees the length only
      co_return response;
    }
    if (of_head_request || (length && *length <= kWholeBytes) || exchange->reader().is_done()) {
      std::string whole;
      while (!of_head_request) {
        auto reading = exchange->next_piece();
        auto piece = co_await std::move(reading);
        if (!piece.ok()) co_return piece.take_error();
        if (piece->empty()) break;
        whole += *piece;
      }
      response.body = std::move(whole);
      co_return response;
    }
    if (length) response.header("Content-Length", std::to_string(*length));
    StreamBody body;
    body.produce = [exchange](BodyStream& stream) { return give_body(exchange, stream); };
    response.body = std::move(body);
    co_return response;
  }

  const std::shared_ptr<Places> places_;
};

}  // namespace

Result<std::unique_ptr<Relay>> make_relay(AsioLoop& loop, Executor& resolver, RelayOptions options) {
  const std::string ca_file = options.ca_file;
  auto places = std::make_shared<Places>(Places{static_cast<LoopWithContext&>(loop).context(), loop.scheduler(), resolver, std::move(options)});
  if (auto trusted = trust_authorities(places->tls, ca_file); !trusted.ok()) return trusted.take_error();
  return std::unique_ptr<Relay>(std::make_unique<AsioRelay>(std::move(places)));
}

}  // namespace tidemark::http
