// What brings events to the server beside listings: hooks (SNS too) and queues.
#pragma once

#include <memory>
#include <vector>

#include "adapters/http/api/context.h"
#include "adapters/sns/receiver.h"
#include "adapters/sqs/queue_reader.h"
#include "app/server/server.h"
#include "main/server_config.h"

namespace tidegate::main {

/// Clock and server outlive it.
class IntakeParts {
 public:
  IntakeParts(const ServerConfig& config, const Clock& clock, app::Server& server);

  http::api::HookReaders hooks();
  /// Begins to read the queues.
  void start();
  void stop();

 private:
  app::Server& server_;
  bool verify_sns_;
  sns::Receiver sns_;
  std::vector<std::unique_ptr<sqs::QueueReader>> queues_;
};

}  // namespace tidegate::main
