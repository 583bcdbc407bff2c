#include "main/client_tools.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/local_commands.h"
#include "sys/http_client.h"

namespace tidegate::main {

namespace json = boost::json;

std::string text(const json::value& object, const char* key) {
  const json::value* value = object.as_object().if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return std::string(value->as_string());
  return json::serialize(*value);
}

const json::array& list(const json::value& object, const char* key) {
  static const json::array kNone;
  const json::value* value = object.as_object().if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

std::string v4(const Connection& c) {
  return "/api/v4/projects/" + percent_encode(c.project);
}
std::string own_path(const Connection& c) {
  return "/api/tidegate/v1/projects/" + percent_encode(c.project);
}

bool lacks_project(const Connection& c) {
  if (!c.project.empty()) return false;
  fmt::print(stderr, "tidegate: which project? Give --project GROUP/NAME or set TIDEGATE_PROJECT\n");
  return true;
}

int show(const Connection& c, const std::string& method, const std::string& path, const Form& form,
         const OnAnswer& print, const OnAnswer& judge) {
  const auto answer = call(c, method, path, form);
  if (!answer) return refuse(answer.error());
  if (judge) judge(*answer);
  if (c.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else {
    print(*answer);
  }
  return kGood;
}

void print_version_line(const json::value& v) {
  fmt::print("{:<24} {:<13} {}\n", text(v, "source") + "/" + text(v, "number"), text(v, "state"),
             text(v, "uri"));
  if (!text(v, "reason").empty()) fmt::print("{:<24} {}\n", "", text(v, "reason"));
}

void print_jobs(const json::value& v) {
  for (const json::value& job : list(v, "jobs")) {
    fmt::print("  job      {:<20} {}\n", text(job, "name"), text(job, "status"));
    if (const json::value* line = job.as_object().if_contains("log_line")) {
      fmt::print("           log of job #{}, line {}: {}\n", text(job, "id"), text(*line, "number"),
                 replace_all(text(*line, "text"), "\n", "\n             "));
    }
  }
}

void print_deliveries(const json::array& deliveries) {
  for (const json::value& d : deliveries) {
    fmt::print("  {:<8} {:<12} {:<12} {}\n", text(d, "kind"), text(d, "target"), text(d, "state"),
               text(d, "release"));
    if (!text(d, "digest").empty())
      fmt::print("           image {}@{}\n", text(d, "repository"), text(d, "digest"));
    if (!text(d, "message").empty()) fmt::print("           {}\n", text(d, "message"));
  }
}

Result<json::value> call(const Connection& c, const std::string& method, const std::string& path,
                         const Form& form) {
  sys::HttpRequest request;
  request.method = method;
  request.url = c.url + path;
  request.headers = {{"PRIVATE-TOKEN", c.token}};
  if (!form.empty()) {
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    for (const auto& [key, value] : form) {
      request.body += (request.body.empty() ? "" : "&") + percent_encode(key) + "=" + percent_encode(value);
    }
  }
  request.timeout = Millis{600000};
  sys::HttpClient client;
  auto response = client.send(request);
  if (!response)
    return fail(Errc::kUnavailable,
                "no server at " + c.url + ": " + response.error().message + " (--server or TIDEGATE_URL)");
  json::error_code failed;
  json::value value = response->body.empty() ? json::value(nullptr) : json::parse(response->body, failed);
  if (response->status / 100 == 2 && !failed) return value;
  const bool has_message = !failed && value.is_object() && value.as_object().contains("message");
  std::string message =
      has_message ? text(value, "message") : fmt::format("the server answered {}", response->status);
  if (response->status == 401) message += "; give --token or set TIDEGATE_TOKEN";
  return fail(response->status >= 500 ? Errc::kUnavailable : Errc::kFailed, message);
}

}  // namespace tidegate::main
