#include "core/http/relay/peer_client.hpp"

#include <algorithm>

#include "core/http/asio_loop.hpp"
#include "core/http/client/authorities.hpp"
#include "core/http/head.hpp"
#include "core/http/relay/answer_reader.hpp"
#include "core/http/relay/peer_connection.hpp"
#include "core/http/relay/places.hpp"

namespace tidemark::http {
namespace {

constexpr std::size_t kPieceBytes = 128u << 10;
constexpr std::size_t kTextBytesMax = 4096;

struct Shared {
  boost::asio::io_context& context;
  Scheduler& scheduler;
  Executor& resolver;
  PeerClientOptions options;
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_client};
};

/// One call. Its connection ends with it.
class Exchange {
 public:
  Exchange(std::shared_ptr<Shared> shared, PeerCall call)
      : shared_(std::move(shared)),
        call_(std::move(call)),
        connection_(std::make_shared<PeerConnection>(shared_->context, shared_->tls, shared_->scheduler)),
        reader_(call_.method == "HEAD") {
    timer_ = shared_->scheduler.after(call_.deadline, [this] {
      timer_ = 0;
      late_ = true;
      connection_->close();
    });
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    if (timer_ != 0) shared_->scheduler.cancel(timer_);
    connection_->close();
  }

  Task<Result<PeerAnswer>> run() {
    auto exchanging = exchange();
    auto answer = co_await std::move(exchanging);
    if (!answer.ok() && late_ && answer.error().code == Code::unavailable) {
      co_return make_error(Code::timed_out, "the call took longer than " + std::to_string(call_.deadline.count()) + " ms");
    }
    co_return answer;
  }

 private:
  Task<Result<PeerAnswer>> exchange() {
    const auto url = parse_call_url(call_.url);
    if (!url.ok()) co_return url.error();
    auto look = [url = *url] { return look_up(url); };
    auto looking = run_on(shared_->resolver, shared_->scheduler, std::move(look));
    auto addresses = co_await looking;
    if (!addresses.ok()) co_return addresses.take_error();
    auto connecting = connection_->connect(*url, std::move(*addresses), shared_->options.connect_deadline);
    auto done = co_await std::move(connecting);
    if (!done.ok()) co_return done.take_error();
    if (late_) co_return make_error(Code::unavailable, "connecting took too long");
    auto sending = send(*url);
    auto sent = co_await std::move(sending);
    if (own_failure_) co_return std::move(*own_failure_);
    auto reading = read_head();
    done = co_await std::move(reading);
    // A node that stopped taking may have said why.
    if (!done.ok()) co_return sent.ok() ? done.take_error() : sent.take_error();
    if (!sent.ok() && reader_.status() < 300) co_return sent.take_error();
    auto taking = take_answer();
    co_return co_await std::move(taking);
  }

  Task<Result<void>> send(const CallUrl& url) {
    std::string head = call_.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\nConnection: close\r\n";
    for (const auto& [name, value] : call_.headers) head += name + ": " + value + "\r\n";
    if (call_.body_bytes) head += "Content-Length: " + std::to_string(*call_.body_bytes) + "\r\n";
    auto writing = connection_->write(head + "\r\n", shared_->options.stall_timeout);
    auto written = co_await std::move(writing);
    std::uint64_t left = call_.body_bytes.value_or(0);
    while (written.ok() && left > 0) {
      auto producing = call_.next_piece();
      auto piece = co_await std::move(producing);
      if (!piece.ok()) {
        own_failure_ = piece.take_error();
        co_return Result<void>();
      }
      TM_ASSERT(!piece->empty() && piece->size() <= left, "the body is as long as was announced");
      left -= piece->size();
      auto sending = connection_->write(std::move(*piece), shared_->options.stall_timeout);
      written = co_await std::move(sending);
    }
    co_return written;
  }

  Task<Result<void>> read_head() {
    while (true) {
      auto state = reader_.read_head();
      if (!state.ok()) co_return state.take_error();
      if (*state == AnswerReader::State::done) co_return Result<void>();
      auto reading = connection_->read(kPieceBytes, shared_->options.answer_deadline);
      auto bytes = co_await std::move(reading);
      if (!bytes.ok()) co_return bytes.take_error();
      if (bytes->empty()) co_return make_error(Code::unavailable, "the node went away before it answered");
      reader_.feed(*bytes);
    }
  }

  Task<Result<PeerAnswer>> take_answer() {
    PeerAnswer answer;
    answer.status = reader_.status();
    answer.headers = reader_.fields();
    const bool wanted = answer.status == 200 && call_.take != nullptr;
    if (wanted && reader_.length().value_or(0) > call_.answer_bytes_max) co_return too_long();
    std::uint64_t taken = 0;
    std::string piece;
    while (true) {
      auto state = reader_.read_body(kPieceBytes, piece);
      if (!state.ok()) co_return state.take_error();
      if (!piece.empty()) {
        taken += piece.size();
        if (!wanted) {
          answer.text += piece.substr(0, kTextBytesMax - answer.text.size());
          if (answer.text.size() == kTextBytesMax) break;
          continue;
        }
        if (taken > call_.answer_bytes_max) co_return too_long();
        auto handing = call_.take(piece);
        auto handed = co_await std::move(handing);
        if (!handed.ok()) co_return handed.take_error();
        continue;
      }
      if (*state == AnswerReader::State::done) break;
      auto reading = connection_->read(kPieceBytes, shared_->options.stall_timeout);
      auto bytes = co_await std::move(reading);
      if (!bytes.ok()) co_return bytes.take_error();
      if (bytes->empty()) {
        if (auto ended = reader_.feed_end(); !ended.ok()) co_return ended.take_error();
      } else {
        reader_.feed(*bytes);
      }
    }
    co_return answer;
  }

  Error too_long() const { return make_error(Code::corrupt, "the answer is longer than " + std::to_string(call_.answer_bytes_max) + " bytes"); }

  const std::shared_ptr<Shared> shared_;
  const PeerCall call_;
  const std::shared_ptr<PeerConnection> connection_;
  AnswerReader reader_;
  std::optional<Error> own_failure_;
  TimerId timer_ = 0;
  bool late_ = false;
};

class AsioPeerClient final : public PeerClient {
 public:
  explicit AsioPeerClient(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  Task<Result<PeerAnswer>> call(PeerCall call) override {
    const auto exchange = std::make_unique<Exchange>(shared_, std::move(call));
    auto running = exchange->run();
    co_return co_await std::move(running);
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<PeerClient>> make_peer_client(AsioLoop& loop, Executor& resolver, PeerClientOptions options) {
  const std::string ca_file = options.ca_file;
  auto shared = std::make_shared<Shared>(Shared{static_cast<LoopWithContext&>(loop).context(), loop.scheduler(), resolver, std::move(options)});
  if (auto trusted = trust_authorities(shared->tls, ca_file); !trusted.ok()) return trusted.take_error();
  return std::unique_ptr<PeerClient>(std::make_unique<AsioPeerClient>(std::move(shared)));
}

}  // namespace tidemark::http
