#include "core/http/server.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "core/http/connection.hpp"
#include "core/http/port_holder.hpp"

namespace tidemark::http {
namespace {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

constexpr std::size_t kRefusalsMax = 256;  ///< connections over the limit that are told so; beyond that they are just closed
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
constexpr Duration kForcedEnd = std::chrono::milliseconds(500);

std::string address_text(const Listener& listener) {
  const bool v6 = listener.address.find(':') != std::string::npos;
  return (v6 ? "[" + listener.address + "]" : listener.address) + ":" + std::to_string(listener.port);
}

class ServerImpl final : public Server {
 public:
  ServerImpl(LoopWithContext& loop, std::vector<Surface> surfaces, const ServerOptions& options)
      : core_(std::make_shared<ServerCore>(loop, options)), sweep_every_(sweep_interval(options)) {
    core_->scratch = std::make_unique_for_overwrite<char[]>(ServerCore::kScratchBytes);
    for (Surface& surface : surfaces) {
      TM_ASSERT(core_->find_surface(surface.name) == nullptr, "two surfaces with one name");
      const std::string label = surface_label(surface.name);
      Router router(std::move(surface.routes), label, options.metrics);
      RouteMetrics unmatched(options.metrics, label, "unmatched", "any");
      MountedSurface mounted{std::move(surface), std::move(router), unmatched};
      core_->surfaces.push_back(std::make_unique<MountedSurface>(std::move(mounted)));
    }
    core_->platform = core_->find_surface("");
    if (core_->platform == nullptr) {
      core_->surfaces.push_back(std::make_unique<MountedSurface>(MountedSurface{Surface(), Router({})}));
      core_->platform = core_->surfaces.back().get();
    }
  }

  ~ServerImpl() override {
    close_acceptors();
    core_->scheduler.cancel(sweep_);
    core_->scheduler.cancel(drain_timer_);
    core_->stopping = true;
    core_->on_empty = nullptr;
    for (Connection* each = core_->first; each != nullptr; each = each->next) each->force_close();
  }

  void use_tls(TlsIdentity identity) override { core_->tls = std::move(identity.context); }

  Result<std::vector<BoundListener>> listen(const std::vector<Listener>& listeners) override {
    std::vector<std::unique_ptr<Listening>> opened;
    std::vector<BoundListener> bound;
    for (const Listener& listener : listeners) {
      auto one = open(listener);
      if (!one) return one.take_error();
      BoundListener result{listener};
      result.listener.port = (*one)->acceptor.local_endpoint().port();
      bound.push_back(std::move(result));
      opened.push_back(std::move(*one));
    }
    for (auto& one : opened) {
      listening_.push_back(std::move(one));
      accept(*listening_.back());
    }
    if (sweep_ == 0) sweep();
    return bound;
  }

  void stop(Fn<void()> done) override {
    core_->stopping = true;
    close_acceptors();
    if (core_->connections == 0) {
      finish(std::move(done));
      return;
    }
    core_->on_empty = [this, done = std::move(done)]() mutable { finish(std::move(done)); };
    for (Connection* each = core_->first; each != nullptr; each = each->next) each->stop_when_idle();
    drain_timer_ = core_->scheduler.after(core_->options.drain_deadline, [this] {
      for (Connection* each = core_->first; each != nullptr; each = each->next) each->force_close();
      // A handler that does not end keeps its connection object, not the server.
      drain_timer_ = core_->scheduler.after(kForcedEnd, [this] {
        drain_timer_ = 0;
        if (core_->on_empty) std::exchange(core_->on_empty, nullptr)();
      });
    });
  }

  std::size_t connections() const override { return core_->connections; }

 private:
  struct Listening {
    Acceptor acceptor;
    MountedSurface* surface;
    bool tls;
    asio::ip::tcp::endpoint peer;
  };

  /// Fine enough for the shortest timeout, coarse enough to cost nothing.
  static Duration sweep_interval(const ServerOptions& options) {
    const Duration shortest = std::min({options.header_deadline, options.idle_timeout, options.stall_timeout});
    return std::clamp(shortest / 8, Duration(5), Duration(250));
  }

  void finish(Fn<void()> done) {
    core_->scheduler.cancel(std::exchange(drain_timer_, 0));
    core_->scheduler.cancel(std::exchange(sweep_, 0));
    if (done) core_->scheduler.post(std::move(done));
  }

  void sweep() {
    const SteadyTime now = core_->scheduler.now();
    for (Connection* each = core_->first; each != nullptr; each = each->next) each->check_deadline(now);
    sweep_ = core_->scheduler.at(now + sweep_every_, [this] { sweep(); });
  }

  Result<std::unique_ptr<Listening>> open(const Listener& listener) {
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(listener.address, failed);
    if (failed) return make_error(Code::invalid_argument, "'" + listener.address + "' is not an IPv4 or IPv6 address");
    MountedSurface* surface = nullptr;
    if (!listener.surface.empty()) {
      surface = core_->find_surface(listener.surface);
      if (surface == nullptr) {
        return make_error(Code::invalid_argument, "no surface is named '" + listener.surface + "'");
      }
    }
    if (listener.tls && core_->tls == nullptr) {
      return make_error(Code::invalid_argument, "no certificate for " + address_text(listener));
    }
    const asio::ip::tcp::endpoint endpoint(address, listener.port);
    auto one = std::make_unique<Listening>(Listening{Acceptor(core_->loop.context()), surface, listener.tls, {}});
    Acceptor& acceptor = one->acceptor;
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(4096, failed);
    if (failed == asio::error::address_in_use) {
      const std::string holder = port_holder(listener.port);
      return make_error(Code::unavailable, "cannot listen on " + address_text(listener) + ": the port is taken" +
                                               (holder.empty() ? "" : " by " + holder));
    }
    if (failed) return make_error(Code::unavailable, "cannot listen on " + address_text(listener) + ": " + failed.message());
    ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    return one;
  }

  void accept(Listening& on) {
    auto accepted = [core = core_, this, &on](const boost::system::error_code& failed, asio::ip::tcp::socket socket) {
      // An accept that had succeeded can be told after the server is gone.
      if (failed == asio::error::operation_aborted || core->stopping) return;
      if (!failed) take(on, std::move(socket));
      if (failed && failed != asio::error::connection_aborted) {
        // Out of descriptors or memory: trying again at once would spin.
        core_->scheduler.after(kAcceptPause, [core = core_, this, &on] {
          if (!core->stopping) accept(on);
        });
        return;
      }
      accept(on);
    };
    on.acceptor.async_accept(core_->loop.context(), on.peer, std::move(accepted));
  }

  void take(Listening& on, asio::ip::tcp::socket accepted) {
    const bool refuse = core_->connections - core_->refusals >= core_->options.connections_max;
    if (refuse) core_->metrics.refused();
    // A peer of a TLS listener would have to be shaken hands with to be told.
    if (refuse && (on.tls || core_->refusals >= kRefusalsMax)) return;
    boost::system::error_code failed;
    const auto protocol = on.peer.protocol();
    const int fd = accepted.release(failed);
    if (failed) return;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    TcpSocket socket(core_->loop.context().get_executor());
    socket.assign(protocol, fd, failed);
    if (failed) return;
    socket.native_non_blocking(true, failed);
    socket.set_option(asio::ip::tcp::no_delay(true), failed);
    auto connection = std::make_shared<Connection>(core_, Transport(std::move(socket), on.tls ? make_ssl(*core_->tls) : nullptr), on.peer, on.surface, refuse);
    Task<void> running = connection->run();
    spawn(std::move(running), [connection] {});
  }

  void close_acceptors() {
    boost::system::error_code ignored;
    for (auto& one : listening_) one->acceptor.close(ignored);
  }

  std::shared_ptr<ServerCore> core_;
  std::vector<std::unique_ptr<Listening>> listening_;
  const Duration sweep_every_;
  TimerId sweep_ = 0;
  TimerId drain_timer_ = 0;
};

}  // namespace

std::unique_ptr<Server> make_server(AsioLoop& loop, std::vector<Surface> surfaces, ServerOptions options) {
  return std::make_unique<ServerImpl>(dynamic_cast<LoopWithContext&>(loop), std::move(surfaces), options);
}

}  // namespace tidemark::http
