#pragma once
// Internal to core/http: the body of one response while it is produced.

#include <memory>
#include <string>

#include "core/http/connection.hpp"

namespace tidemark::http {

/// Lives as long as anything that may call it: the connection while it streams, and the socket operation that watches the peer.
class Connection::Stream final : public BodyStream, public LiveExchange, public std::enable_shared_from_this<Connection::Stream> {
 public:
  Stream(Connection& connection, bool chunked, std::string heartbeat, Duration heartbeat_interval);

  Task<Result<void>> write(std::string bytes) override;
  bool closed() const override { return lost_ || draining(); }
  void on_close(Fn<void()> call) override;
  bool draining() const override { return core_->stopping; }

  void sweep(SteadyTime now) override;
  void drain() override { announce(); }

  /// Notices a peer that goes away, until end().
  void watch();
  /// Ends the body when nothing went wrong; the connection may go on only when true. Nothing touches the connection afterwards.
  Task<bool> end(bool whole);

 private:
  void readable(const ErrorCode& failed);
  void lose();
  void announce();
  Task<bool> send(std::string_view bytes);

  Connection& connection_;
  const std::shared_ptr<ServerCore> core_;
  const bool chunked_;
  const std::string heartbeat_;  ///< as it is sent
  const Duration heartbeat_interval_;
  SteadyTime heartbeat_at_;
  Fn<void()> on_close_;
  bool writing_ = false;
  bool lost_ = false;      ///< the peer has gone, or does not read
  bool over_ = false;      ///< the connection is no longer ours
};

}  // namespace tidemark::http
