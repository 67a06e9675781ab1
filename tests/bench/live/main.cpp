// Idle live clients: memory of each, and one event to all. See README.md.

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/http/server.hpp"

namespace {

using namespace tidemark;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kClientsPerAddress = 5000;
constexpr double kBytesMax = 20'000;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "{}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Those who wait for the next event.
class Hub {
 public:
  Callback<bool> next() {
    auto start = [this](Fn<void(bool)> done) { waiting_.push_back(std::move(done)); };
    return Callback<bool>(std::move(start));
  }
  void publish() {
    std::vector<Fn<void(bool)>> told;
    told.swap(waiting_);
    for (auto& each : told) each(true);
  }

 private:
  std::vector<Fn<void(bool)>> waiting_;
};

Task<void> stream_events(Hub& hub, http::BodyStream& stream) {
  while (!stream.closed()) {
    co_await hub.next();
    Task<Result<void>> writing = stream.write("data: tick\n\n");
    const Result<void> wrote = co_await std::move(writing);
    if (!wrote) co_return;
  }
}

Task<void> send_events(Hub& hub, http::WebSocket& socket) {
  while (!socket.closed()) {
    co_await hub.next();
    http::WebSocketMessage message{true, "tick"};
    Task<Result<void>> writing = socket.write(std::move(message));
    const Result<void> wrote = co_await std::move(writing);
    if (!wrote) co_return;
  }
}

http::Surface live_surface(Hub& hub) {
  http::Surface surface;
  http::Route stream, socket, publish;
  stream.pattern = "/stream";
  stream.handler = [&hub](http::Request&) -> Task<http::Response> {
    co_return http::event_stream_response([&hub](http::BodyStream& out) { return stream_events(hub, out); });
  };
  socket.pattern = "/socket";
  socket.handler = [&hub](http::Request&) -> Task<http::Response> {
    http::WebSocketBody body;
    body.options.ping_interval = Duration(0);  // this client does not answer
    body.run = [&hub](http::WebSocket& out) { return send_events(hub, out); };
    http::Response response;
    response.body = std::move(body);
    co_return response;
  };
  publish.pattern = "/publish";
  publish.handler = [&hub](http::Request&) -> Task<http::Response> {
    hub.publish();
    co_return http::Response();
  };
  for (http::Route* each : {&stream, &socket, &publish}) surface.routes.push_back(std::move(*each));
  return surface;
}

/// Serves in a process of its own until it is killed.
class ServerProcess {
 public:
  ServerProcess() {
    int ends[2];
    if (::pipe(ends) != 0) fail("pipe");
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) serve(ends[1]);
    if (::read(ends[0], &port_, sizeof(port_)) != sizeof(port_)) fail("the server did not start");
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  std::uint16_t port() const { return port_; }
  double resident_bytes() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
    double total = 0, resident = 0;
    in >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }

 private:
  [[noreturn]] static void serve(int tell) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Hub hub;
    const auto loop = http::make_asio_loop();
    std::vector<http::Surface> surfaces;
    surfaces.push_back(live_surface(hub));
    const auto server = http::make_server(*loop, std::move(surfaces), {});
    const auto bound = server->listen({http::Listener{}});
    if (!bound.ok()) fail(bound.error().message);
    const std::uint16_t port = bound->front().listener.port;
    if (::write(tell, &port, sizeof(port)) != sizeof(port)) fail("write");
    loop->run();
    std::_Exit(0);
  }

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

int connect_from(std::size_t client, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  sockaddr_in from{}, to{};
  from.sin_family = to.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<in_addr_t>(client / kClientsPerAddress));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0) fail("bind");
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) fail("connect");
  return fd;
}

/// Sends a request and reads the head of its answer.
void ask(int fd, const std::string& request, std::string_view status) {
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) fail("send");
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n")) {
    if (::recv(fd, &byte, 1, 0) != 1) fail("the server ended a connection");
    head += byte;
  }
  if (!head.starts_with("HTTP/1.1 " + std::string(status))) fail(head);
}

std::string request_for(std::string_view path, std::string_view fields = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: bench\r\n{}\r\n", path, fields);
}

double ms_since(Clock::time_point from) { return std::chrono::duration<double, std::milli>(Clock::now() - from).count(); }

/// Waits until every one of `clients` has something to read.
void hear(const std::vector<int>& clients) {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (const int fd : clients) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    ::epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
  for (std::size_t heard = 0; heard < clients.size();) {
    epoll_event events[256];
    const int ready = ::epoll_wait(poller, events, 256, 30'000);
    if (ready <= 0) fail(fmt::format("only {} of {} clients heard", heard, clients.size()));
    for (int i = 0; i < ready; ++i) {
      if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0) fail("a client was lost");
    }
    heard += static_cast<std::size_t>(ready);
  }
  ::close(poller);
}

bool measure(std::string_view what, const std::string& request, std::string_view status, std::size_t count) {
  const ServerProcess server;
  const int publisher = connect_from(0, server.port());
  ask(publisher, request_for("/publish"), "200");
  const double before = server.resident_bytes();
  std::vector<int> clients;
  const auto opening = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(connect_from(i, server.port()));
    ask(clients.back(), request, status);
  }
  const double opened_ms = ms_since(opening);
  const double each = (server.resident_bytes() - before) / static_cast<double>(count);
  const auto published = Clock::now();
  ask(publisher, request_for("/publish"), "200");
  hear(clients);
  fmt::print("{:<12} {:>6} clients  opened in {:>6.0f} ms  {:>6.1f} KB resident each  one event to all in {:>5.0f} ms\n", what, count,
             opened_ms, each / 1000, ms_since(published));
  for (const int fd : clients) ::close(fd);
  ::close(publisher);
  return each <= kBytesMax;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 10'000;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  raise_descriptor_limit();
  const bool streams = measure("streams", request_for("/stream"), "200", count);
  const bool sockets = measure("WebSockets",
                               request_for("/socket", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
                               "101", count);
  return streams && sockets ? 0 : 1;
}
