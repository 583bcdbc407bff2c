// `bootstrap` of an AWS Lambda function: takes events from the Runtime API and forwards them. It is linked
// statically, so that it runs on any custom runtime.
#include <cstdlib>
#include <map>
#include <string>
#include <unistd.h>

#include "adapters/lambda/forward.h"
#include "adapters/s3/messages.h"
#include "base/log.h"
#include "main/system_clock.h"

namespace tidegate::main {
namespace {

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  // What `tidegate lambda package --ca-file` put beside this program.
  if (!out.contains("TIDEGATE_CA_FILE") && out.contains("LAMBDA_TASK_ROOT")) {
    const std::string packed = out["LAMBDA_TASK_ROOT"] + "/ca.pem";
    if (::access(packed.c_str(), R_OK) == 0) out["TIDEGATE_CA_FILE"] = packed;
  }
  return out;
}

int give_up(const Error& error) {
  log::error("lambda", "{}", error.message);
  return 1;
}

int serve() {
  const auto settings = environment();
  const auto api = settings.find("AWS_LAMBDA_RUNTIME_API");
  if (api == settings.end()) {
    return give_up(fail(Errc::kEnvironment, "AWS_LAMBDA_RUNTIME_API is not set: this is for AWS Lambda"));
  }
  auto runtime = lambda::Runtime::open(api->second);
  if (!runtime) return give_up(runtime.error());
  const auto target = lambda::read_target(settings);
  if (!target) {
    const Status told = runtime->fail_start({"Tidegate.Configuration", target.error().message});
    return give_up(told ? target.error() : told.error());
  }
  const SystemClock clock;
  const lambda::Forwarder forwarder(
      *target, clock,
      [trust = target->trust](const lambda::HttpRequest& request, Millis budget) {
        return lambda::exchange(request, trust, budget);
      },
      [](const std::string& message) { return s3::parse_message(message); });
  while (true) {
    const auto invocation = runtime->next();
    if (!invocation) return give_up(invocation.error());
    const auto outcome = forwarder.handle(*invocation);
    // Never the event: it may hold what a log should not.
    if (outcome) {
      log::info("lambda", "{}: {} bytes forwarded", invocation->id, invocation->event.size());
    } else {
      log::warn("lambda", "{}: {}: {}", invocation->id, outcome.error().type, outcome.error().message);
    }
    // 500: the environment is broken, and a new one is asked for by ending.
    const Status told = runtime->respond(*invocation, outcome);
    if (!told && told.error().code != Errc::kInvalid) return give_up(told.error());
    if (!told) log::warn("lambda", "{}", told.error().message);
  }
}

}  // namespace
}  // namespace tidegate::main

int main() {
  try {
    return tidegate::main::serve();
  } catch (const std::exception& error) {
    tidegate::log::error("lambda", "unexpected: {}", error.what());
    return 1;
  }
}
