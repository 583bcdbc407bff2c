// One connection of the server: reads requests, writes answers. Lives on the I/O thread. Internal.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "adapters/http/message.h"
#include "adapters/http/server.h"
#include "adapters/http/workers.h"

namespace tidegate::http {

using Socket = boost::asio::generic::stream_protocol::socket;

/// What all connections of a server share; outlives them.
struct Shared {
  Options options;
  Handler handler;
  Workers workers;
  bool stopping = false;  ///< I/O thread only

  Shared(Options o, Handler h) : options(std::move(o)), handler(std::move(h)), workers(options.workers) {}
};

class Session {
 public:
  virtual ~Session() = default;
  /// Ends the connection when it is between requests; else its answer is its last.
  virtual void wind_down() = 0;
  /// Ends the connection now.
  virtual void cut() = 0;
};

/// Serves the connection until it ends, then calls `on_end` (on the I/O thread).
std::shared_ptr<Session> start_session(boost::asio::io_context& io, Socket socket, std::string remote,
                                       bool via_unix, Shared& shared, std::function<void(Session*)> on_end);

}  // namespace tidegate::http
