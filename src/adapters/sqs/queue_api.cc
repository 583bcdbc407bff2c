#include "adapters/sqs/queue_api.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::sqs {
namespace {

namespace json = boost::json;

// What the other side may take beyond the waiting that was asked for.
constexpr Millis kPatience{10'000};

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<json::object> object_of(const std::string& body) {
  if (trim(body).empty()) return json::object();  // moto answers so where there is nothing to say
  boost::system::error_code error;
  json::value document = json::parse(body, error);
  if (error || !document.is_object()) {
    return fail(Errc::kInvalid, "the answer is not a JSON object: " + printable(body));
  }
  return std::move(document.get_object());
}

QueueMessage message_of(const json::object& object) {
  QueueMessage out{text(object, "MessageId"), text(object, "ReceiptHandle"), text(object, "Body"), 1};
  if (const json::value* attributes = object.if_contains("Attributes");
      attributes != nullptr && attributes->is_object()) {
    const auto count = parse_integer(text(attributes->get_object(), "ApproximateReceiveCount"));
    out.receive_count = static_cast<int>(std::min<long long>(count.value_or(1), 1'000'000));
  }
  return out;
}

// {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "…"}
Error fault(long status, const std::string& body) {
  std::string type;
  std::string message;
  if (const auto object = object_of(body)) {
    type = text(*object, "__type");
    type = type.substr(type.find('#') + 1);
    message = text(*object, "message");
  }
  Errc code = Errc::kInvalid;
  if (status >= 500 || status == 429 || type.find("Throttl") != std::string::npos) {
    code = Errc::kUnavailable;
  } else if (type == "QueueDoesNotExist" || status == 404) {
    code = Errc::kNotFound;
  } else if (status == 401 || status == 403 || type.find("Signature") != std::string::npos) {
    code = Errc::kDenied;
  }
  return fail(code,
              fmt::format("{} {} {}", status, printable(type), printable(message.empty() ? body : message)));
}

}  // namespace

QueueApi::QueueApi(QueueSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {
  const std::size_t scheme = settings_.url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = settings_.url.find('/', begin);
  host_ = settings_.url.substr(begin, end == std::string::npos ? end : end - begin);
  base_ = settings_.url.substr(0, begin) + host_;
}

Result<std::string> QueueApi::call(const std::string& action, const std::string& body, Millis timeout,
                                   const sys::StopFlag* stop) {
  sys::Unsigned wanted{"POST", host_, "/", {}, {}, body};
  wanted.headers = {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "AmazonSQS." + action}};
  sys::Signed made = sys::sign(wanted, settings_.credentials, {settings_.region, "sqs"}, clock_.now());
  sys::HttpRequest request;
  request.method = "POST";
  request.url = base_ + made.target;
  request.headers = std::move(made.headers);
  request.body = body;
  request.ca_file = settings_.ca_file;
  request.timeout = timeout;
  request.max_body = 64U << 20U;
  TG_TRY(auto response, client_.send(request, stop));
  if (response.status / 100 != 2) return with_context(action, fault(response.status, response.body));
  return std::move(response.body);
}

Result<std::vector<QueueMessage>> QueueApi::receive(Seconds wait, const sys::StopFlag& stop) {
  const json::object body{{"QueueUrl", settings_.url},
                          {"MaxNumberOfMessages", 10},
                          {"WaitTimeSeconds", wait.count()},
                          {"AttributeNames", {"ApproximateReceiveCount"}}};
  TG_TRY(const auto answer, call("ReceiveMessage", json::serialize(body), Millis(wait) + kPatience, &stop));
  TG_TRY(const json::object object, object_of(answer));
  std::vector<QueueMessage> out;
  const json::value* messages = object.if_contains("Messages");
  if (messages == nullptr || messages->is_null()) return out;
  if (!messages->is_array()) return fail(Errc::kInvalid, "ReceiveMessage: Messages is no list");
  for (const json::value& message : messages->get_array()) {
    if (!message.is_object()) return fail(Errc::kInvalid, "ReceiveMessage: a message that is no object");
    out.push_back(message_of(message.get_object()));
    if (out.back().receipt.empty())
      return fail(Errc::kInvalid, "ReceiveMessage: a message without ReceiptHandle");
  }
  return out;
}

Result<std::size_t> QueueApi::remove(const std::vector<QueueMessage>& messages) {
  if (messages.empty()) return std::size_t{0};
  json::array entries;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    entries.push_back({{"Id", std::to_string(i)}, {"ReceiptHandle", messages[i].receipt}});
  }
  const json::object body{{"QueueUrl", settings_.url}, {"Entries", entries}};
  TG_TRY(const auto answer, call("DeleteMessageBatch", json::serialize(body), kPatience, nullptr));
  TG_TRY(const json::object object, object_of(answer));
  const json::value* failed = object.if_contains("Failed");
  const bool some = failed != nullptr && failed->is_array();
  return messages.size() - (some ? std::min(messages.size(), failed->get_array().size()) : 0);
}

Status QueueApi::release(const QueueMessage& message, Seconds delay) {
  const json::object body{
      {"QueueUrl", settings_.url}, {"ReceiptHandle", message.receipt}, {"VisibilityTimeout", delay.count()}};
  TG_CHECK(call("ChangeMessageVisibility", json::serialize(body), kPatience, nullptr));
  return {};
}

}  // namespace tidegate::sqs
