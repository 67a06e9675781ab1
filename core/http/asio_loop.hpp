#pragma once
// Internal to core/http: the loop with its io_context, which the server's sockets need.

#include <boost/asio/io_context.hpp>

#include "core/http/server.hpp"

namespace tidemark::http {

/// What every AsioLoop made by make_asio_loop() is.
class LoopWithContext : public AsioLoop {
 public:
  virtual boost::asio::io_context& context() = 0;
};

}  // namespace tidemark::http
