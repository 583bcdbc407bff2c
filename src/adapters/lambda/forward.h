// Where a Lambda function sends an event: Tidegate's hook, or GitLab's trigger API.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/lambda/runtime.h"
#include "base/secret.h"
#include "dataset/announcement.h"

namespace tidegate::lambda {

/// TIDEGATE_HOOK_URL, TIDEGATE_HOOK_TOKEN.
struct Hook {
  Address url;
  Secret token;
  bool reports_items = false;  ///< TIDEGATE_BATCH_ITEM_FAILURES: of an SQS batch only what failed comes again
};
/// GITLAB_TRIGGER_URL (…/projects/ID/trigger/pipeline), GITLAB_TRIGGER_TOKEN, GITLAB_REF, GITLAB_SEND.
struct Trigger {
  Address url;
  Secret token;
  std::string ref = "main";
  bool as_inputs = false;  ///< GITLAB_SEND: variables or inputs
};
struct Target {
  std::optional<Hook> hook;
  std::optional<Trigger> trigger;
  Trust trust;
};
/// From the function's environment. kInvalid: a name that is missing or wrong; never with its value.
Result<Target> read_target(const std::map<std::string, std::string>& environment);

/// The event as it came, signed (base/signed_body.h).
HttpRequest hook_request(const Hook& hook, const std::string& event, Instant now);
/// One pipeline for an object: TIDEGATE_BUCKET, _KEY, _VERSION_ID, _ETAG and _URI; as inputs in lower case
/// and without the prefix. Source: GitLab, "Trigger pipelines with the API".
HttpRequest trigger_request(const Trigger& trigger, const dataset::ObjectEvent& event);

/// Messages as the event source of an SQS mapping batches them: each alone, with its id. Empty: no such
/// event.
std::vector<std::pair<std::string, std::string>> queue_records(const std::string& event);

using Exchange = std::function<Result<HttpResponse>(const HttpRequest& request, Millis budget)>;
using Parse = std::function<Result<dataset::Announcement>(const std::string& message)>;

/// Done within the invocation's time, less a margin, or a fault that says what to expect of another call. A
/// result means that the event is durable there.
class Forwarder {
 public:
  Forwarder(Target target, const Clock& clock, Exchange exchange, Parse parse)
      : target_(std::move(target)), clock_(clock), exchange_(std::move(exchange)), parse_(std::move(parse)) {}

  Outcome handle(const Invocation& invocation) const;

 private:
  Outcome to_hook(const std::string& event, Instant deadline) const;
  Outcome each_to_hook(const std::vector<std::pair<std::string, std::string>>& records,
                       Instant deadline) const;
  Outcome to_gitlab(const std::string& event, Instant deadline) const;
  Outcome send(const HttpRequest& request, Instant deadline) const;

  Target target_;
  const Clock& clock_;
  Exchange exchange_;
  Parse parse_;
};

}  // namespace tidegate::lambda
