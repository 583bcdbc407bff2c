#include "adapters/lambda/runtime.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::lambda {
namespace {

const std::string kBase = "/2018-06-01/runtime/";
// The API is on the same machine; an answer takes no longer.
constexpr Millis kPatience{10'000};

std::string header(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

}  // namespace

std::string to_json(const Fault& fault) {
  return boost::json::serialize(boost::json::object{
      {"errorMessage", fault.message}, {"errorType", fault.type}, {"stackTrace", boost::json::array()}});
}

Result<Runtime> Runtime::open(const std::string& api) {
  auto address = parse_url("http://" + api);
  if (!address) return fail(Errc::kEnvironment, "AWS_LAMBDA_RUNTIME_API is not host:port");
  return Runtime(*std::move(address));
}

Result<Invocation> Runtime::next() {
  HttpRequest request;
  request.to = address_;
  request.to.target = kBase + "invocation/next";
  TG_TRY(auto response, exchange(request, {}, std::nullopt));
  Invocation out;
  out.id = header(response, "lambda-runtime-aws-request-id");
  if (response.status != 200 || out.id.empty()) {
    return fail(Errc::kUnavailable, fmt::format("the Runtime API answered {} to next", response.status));
  }
  const auto deadline = parse_integer(header(response, "lambda-runtime-deadline-ms"));
  out.deadline = Instant(Millis(deadline.value_or(0)));
  out.event = std::move(response.body);
  return out;
}

Status Runtime::post(const std::string& path, const std::string& body, const Fault* fault) {
  HttpRequest request;
  request.method = "POST";
  request.to = address_;
  request.to.target = kBase + path;
  request.headers = {{"Content-Type", "application/json"}};
  if (fault != nullptr) request.headers.emplace_back("Lambda-Runtime-Function-Error-Type", fault->type);
  request.body = body;
  TG_TRY(const auto response, exchange(request, {}, kPatience));
  if (response.status / 100 == 2) return {};
  return fail(response.status == 500 ? Errc::kInternal : Errc::kInvalid,
              fmt::format("the Runtime API answered {} to {}", response.status, path));
}

Status Runtime::respond(const Invocation& invocation, const Outcome& outcome) {
  const std::string place = "invocation/" + percent_encode(invocation.id) + "/";
  if (outcome) return post(place + "response", *outcome, nullptr);
  return post(place + "error", to_json(outcome.error()), &outcome.error());
}

Status Runtime::fail_start(const Fault& fault) {
  return post("init/error", to_json(fault), &fault);
}

}  // namespace tidegate::lambda
