#include "tests/integration/http/harness.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace tidemark::http::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

TestServer::TestServer(std::vector<Surface> surfaces, ServerOptions options, std::vector<std::string> listeners,
                       std::optional<TlsIdentity> identity)
    : loop_(make_asio_loop()) {
  server_ = make_server(*loop_, std::move(surfaces), options);
  std::vector<Listener> wanted;
  for (std::string& surface : listeners) wanted.push_back(Listener{"127.0.0.1", 0, std::move(surface), identity.has_value()});
  if (identity) server_->use_tls(*identity);
  auto bound = server_->listen(wanted);
  if (!bound) std::abort();
  for (const auto& each : *bound) ports_.push_back(each.listener.port);
  thread_ = std::thread([this] { loop_->run(); });
}

TestServer::~TestServer() {
  stop();
  server_.reset();
}

void TestServer::stop() {
  if (!thread_.joinable()) return;
  loop_->scheduler().post([this] { server_->stop([this] { loop_->stop(); }); });
  thread_.join();
}

void TestServer::on_loop(std::function<void()> work) {
  std::promise<void> done;
  loop_->scheduler().post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

std::size_t TestServer::connections() {
  std::size_t count = 0;
  on_loop([&] { count = server_->connections(); });
  return count;
}

bool TestServer::eventually(std::function<bool()> holds) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    bool now = false;
    on_loop([&] { now = holds(); });
    if (now) return true;
    std::this_thread::yield();
  }
  return false;
}

std::optional<std::string> Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same(key, name)) return value;
  }
  return std::nullopt;
}

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes != 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) ADD_FAILURE() << "cannot connect";
}

RawClient::~RawClient() {
  SSL_free(ssl_);
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::start_tls(const TlsOffer& offer) {
  const timeval patience{std::chrono::seconds(kPatience).count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (offer.version_max != 0) SSL_CTX_set_max_proto_version(context, offer.version_max);
  if (offer.version_max != 0) SSL_CTX_set_min_proto_version(context, std::min(offer.version_max, TLS1_2_VERSION));
  SSL_CTX_set_security_level(context, 0);  // so that it offers what the server is to refuse
  ssl_ = SSL_new(context);
  SSL_CTX_free(context);
  if (!offer.protocols.empty()) {
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(offer.protocols.data()), static_cast<unsigned>(offer.protocols.size()));
  }
  if (offer.resume != nullptr) SSL_set_session(ssl_, offer.resume);
  SSL_set_fd(ssl_, fd_);
  return SSL_connect(ssl_) == 1;
}

long RawClient::receive(char* data, std::size_t size) {
  const bool ready = ssl_ != nullptr && SSL_pending(ssl_) > 0;
  pollfd readable{fd_, POLLIN, 0};
  timed_out_ = !ready && ::poll(&readable, 1, std::chrono::milliseconds(kPatience).count()) <= 0;
  if (timed_out_) return -1;
  return ssl_ != nullptr ? SSL_read(ssl_, data, static_cast<int>(size)) : ::recv(fd_, data, size, 0);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                      : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::receive_more() {
  char piece[64 << 10];
  errno = 0;
  const auto got = receive(piece, sizeof(piece));
  reset_ = got < 0 && errno == ECONNRESET;
  if (got <= 0) return false;
  buffered_.append(piece, static_cast<std::size_t>(got));
  return true;
}

std::optional<Reply> RawClient::read_reply(bool to_head) {
  std::size_t end = 0;
  while ((end = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive_more()) return std::nullopt;
  }
  Reply reply;
  const std::string head = buffered_.substr(0, end + 2);
  buffered_.erase(0, end + 4);
  reply.status = std::atoi(head.substr(9, 3).c_str());
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const auto line_end = head.find("\r\n", at);
    const std::string line = head.substr(at, line_end - at);
    const auto colon = line.find(": ");
    reply.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    at = line_end + 2;
  }
  const auto length = reply.header("content-length");
  const std::size_t size = to_head || !length ? 0 : std::stoul(*length);
  while (buffered_.size() < size) {
    if (!receive_more()) return std::nullopt;
  }
  reply.body = buffered_.substr(0, size);
  buffered_.erase(0, size);
  return reply;
}

Reply RawClient::ask(std::string_view bytes, bool to_head) {
  send(bytes);
  auto reply = read_reply(to_head);
  return reply ? std::move(*reply) : Reply();
}

bool RawClient::closed_by_peer() {
  while (receive_more()) {
  }
  return !timed_out_;
}

bool RawClient::silent() {
  char byte = 0;
  return buffered_.empty() && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::string RawClient::read_all() {
  while (receive_more()) {
  }
  return std::exchange(buffered_, {});
}

std::string RawClient::read_exactly(std::size_t bytes) {
  while (buffered_.size() < bytes && receive_more()) {
  }
  const std::string read = buffered_.substr(0, bytes);
  buffered_.erase(0, bytes);
  return read;
}

std::string get(std::string_view target, std::string_view extra) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(extra) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view extra) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(extra) + "\r\n" +
         std::string(body);
}

}  // namespace tidemark::http::testing
