#include "adapters/lambda/forward.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/log.h"
#include "base/sha256.h"
#include "base/signed_body.h"
#include "base/text.h"
#include "dataset/intake.h"

namespace tidegate::lambda {
namespace {

namespace json = boost::json;

// Left for the answer to the Runtime API.
constexpr Millis kMargin{500};
constexpr Millis kLeast{250};

std::string value_of(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

Result<Address> address_of(const std::map<std::string, std::string>& environment, const std::string& name) {
  auto address = parse_url(value_of(environment, name));
  if (!address) return fail(Errc::kInvalid, name + " is no http(s) address");
  return address;
}

Result<std::string> required(const std::map<std::string, std::string>& environment, const std::string& name) {
  std::string value = value_of(environment, name);
  if (value.empty()) return fail(Errc::kInvalid, name + " is not set");
  return value;
}

}  // namespace

Result<Target> read_target(const std::map<std::string, std::string>& environment) {
  Target out;
  out.trust.ca_file = value_of(environment, "TIDEGATE_CA_FILE");
  if (environment.contains("TIDEGATE_HOOK_URL")) {
    Hook hook;
    TG_TRY(hook.url, address_of(environment, "TIDEGATE_HOOK_URL"));
    TG_TRY(auto token, required(environment, "TIDEGATE_HOOK_TOKEN"));
    hook.token = Secret(std::move(token));
    hook.reports_items = value_of(environment, "TIDEGATE_BATCH_ITEM_FAILURES") == "true";
    out.hook = std::move(hook);
    return out;
  }
  if (!environment.contains("GITLAB_TRIGGER_URL")) {
    return fail(Errc::kInvalid, "neither TIDEGATE_HOOK_URL nor GITLAB_TRIGGER_URL is set");
  }
  Trigger trigger;
  TG_TRY(trigger.url, address_of(environment, "GITLAB_TRIGGER_URL"));
  TG_TRY(auto token, required(environment, "GITLAB_TRIGGER_TOKEN"));
  trigger.token = Secret(std::move(token));
  if (const auto ref = value_of(environment, "GITLAB_REF"); !ref.empty()) trigger.ref = ref;
  const std::string form = value_of(environment, "GITLAB_SEND");
  if (!form.empty() && form != "variables" && form != "inputs") {
    return fail(Errc::kInvalid, "GITLAB_SEND is variables or inputs");
  }
  trigger.as_inputs = form == "inputs";
  out.trigger = std::move(trigger);
  return out;
}

HttpRequest hook_request(const Hook& hook, const std::string& event, Instant now) {
  const std::string time = std::to_string(std::chrono::floor<Seconds>(now.time_since_epoch()).count());
  HttpRequest request;
  request.method = "POST";
  request.to = hook.url;
  request.headers = {{"Content-Type", "application/json"},
                     {"X-Tidegate-Key", sha256_hex(hook.token.reveal())},
                     {"X-Tidegate-Timestamp", time},
                     {"X-Tidegate-Signature", sign_body(hook.token.reveal(), time, event)}};
  request.body = event;
  return request;
}

HttpRequest trigger_request(const Trigger& trigger, const dataset::ObjectEvent& event) {
  HttpRequest request;
  request.method = "POST";
  request.to = trigger.url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!request.body.empty()) request.body += '&';
    request.body += percent_encode(name) + "=" + percent_encode(value);
  };
  add("token", trigger.token.reveal());
  add("ref", trigger.ref);
  const auto say = [&](const std::string& name, const std::string& value) {
    add(trigger.as_inputs ? "inputs[" + name + "]" : "variables[TIDEGATE_" + to_upper(name) + "]", value);
  };
  say("bucket", event.bucket);
  say("key", event.key);
  say("version_id", event.version_id);
  say("etag", event.etag);
  say("uri", dataset::bound_uri(event.bucket, event.key, event.version_id, false));
  return request;
}

std::vector<std::pair<std::string, std::string>> queue_records(const std::string& event) {
  std::vector<std::pair<std::string, std::string>> out;
  boost::system::error_code error;
  const json::value document = json::parse(event, error);
  const json::object* object = error ? nullptr : document.if_object();
  const json::value* records = object == nullptr ? nullptr : object->if_contains("Records");
  if (records == nullptr || !records->is_array()) return out;
  for (const json::value& record : records->get_array()) {
    const json::object* one = record.if_object();
    const json::value* source = one == nullptr ? nullptr : one->if_contains("eventSource");
    const json::value* id = one == nullptr ? nullptr : one->if_contains("messageId");
    const bool is_message = source != nullptr && source->is_string() && source->get_string() == "aws:sqs" &&
                            id != nullptr && id->is_string();
    if (!is_message) return {};
    out.emplace_back(std::string(id->get_string()), json::serialize(json::object{{"Records", {record}}}));
  }
  return out;
}

Outcome Forwarder::handle(const Invocation& invocation) const {
  const Instant deadline = invocation.deadline - kMargin;
  if (!target_.hook) return to_gitlab(invocation.event, deadline);
  if (target_.hook->reports_items) {
    const auto records = queue_records(invocation.event);
    if (!records.empty()) return each_to_hook(records, deadline);
  }
  return to_hook(invocation.event, deadline);
}

Outcome Forwarder::send(const HttpRequest& request, Instant deadline) const {
  const Millis left = deadline - clock_.now();
  if (left < kLeast) {
    return std::unexpected(Fault{"Tidegate.NoTime", "not enough time is left of this invocation"});
  }
  auto response = exchange_(request, left);
  if (!response) return std::unexpected(Fault{"Tidegate.Unreachable", response.error().message});
  if (response->status / 100 == 2) return std::move(response->body);
  return std::unexpected(
      Fault{response->status / 100 == 4 ? "Tidegate.Refused" : "Tidegate.Unavailable",
            fmt::format("{} answered {}: {}", request.to.host, response->status, printable(response->body))});
}

Outcome Forwarder::to_hook(const std::string& event, Instant deadline) const {
  return send(hook_request(*target_.hook, event, clock_.now()), deadline);
}

Outcome Forwarder::each_to_hook(const std::vector<std::pair<std::string, std::string>>& records,
                                Instant deadline) const {
  json::array failed;
  for (const auto& [id, event] : records) {
    const Outcome sent = to_hook(event, deadline);
    if (sent) continue;
    log::warn("lambda", "message {}: {}", printable(id), sent.error().message);
    failed.push_back({{"itemIdentifier", id}});
  }
  return json::serialize(json::object{{"batchItemFailures", failed}});
}

Outcome Forwarder::to_gitlab(const std::string& event, Instant deadline) const {
  const auto message = parse_(event);
  if (!message) return std::unexpected(Fault{"Tidegate.NoEvent", message.error().message});
  for (const auto& object : message->events) {
    const Outcome sent = send(trigger_request(*target_.trigger, object), deadline);
    if (!sent) return sent;
  }
  return json::serialize(json::object{{"pipelines", message->events.size()}});
}

}  // namespace tidegate::lambda
