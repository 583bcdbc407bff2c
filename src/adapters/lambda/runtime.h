// The AWS Lambda Runtime API, as a custom runtime (provided.al2023) uses it.
#pragma once

#include <functional>
#include <string>

#include "adapters/lambda/http_exchange.h"

namespace tidegate::lambda {

struct Invocation {
  std::string id;
  Instant deadline{};  ///< the process is ended then
  std::string event;   ///< JSON
};

/// What a failed invocation says of itself; Lambda calls again after any.
struct Fault {
  std::string type;  ///< "Category.Reason"
  std::string message;
};
using Outcome = std::expected<std::string, Fault>;  ///< the result, JSON

/// One thread. Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
class Runtime {
 public:
  /// `api`: AWS_LAMBDA_RUNTIME_API, host:port.
  static Result<Runtime> open(const std::string& api);

  /// Waits without limit: between events the process is frozen.
  Result<Invocation> next();
  Status respond(const Invocation& invocation, const Outcome& outcome);
  /// Nothing can be handled at all.
  Status fail_start(const Fault& fault);

 private:
  explicit Runtime(Address address) : address_(std::move(address)) {}
  Status post(const std::string& path, const std::string& body, const Fault* fault);

  Address address_;
};

/// {"errorMessage", "errorType", "stackTrace": []}
std::string to_json(const Fault& fault);

}  // namespace tidegate::lambda
