#include "adapters/http/api/context.h"

#include <boost/json.hpp>

#include "base/log.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

Result<std::string> scalar(const json::value& value, const std::string& name) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_bool()) return std::string(value.as_bool() ? "true" : "false");
  if (value.is_number()) return json::serialize(value);
  if (value.is_null()) return std::string();
  return fail(Errc::kInvalid, name + " is invalid");
}

// [{"key": "K", "value": "V"}, …], as POST /projects/:id/pipeline takes its variables.
Status add_pairs(const json::array& list, const std::string& name, Parameters& out) {
  for (const json::value& item : list) {
    const json::object* pair = item.if_object();
    if (pair == nullptr || !pair->contains("key")) return fail(Errc::kInvalid, name + " is invalid");
    TG_TRY(const std::string key, scalar(pair->at("key"), name));
    TG_TRY(const std::string value,
           pair->contains("value") ? scalar(pair->at("value"), name) : Result<std::string>(""));
    out[name + "[" + key + "]"] = value;
  }
  return {};
}

Status add_json(const std::string& body, Parameters& out) {
  json::error_code failed;
  const json::value value = json::parse(body, failed);
  if (failed) return fail(Errc::kInvalid, "the body is not JSON: " + failed.message());
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(Errc::kInvalid, "the body must be a JSON object");
  for (const auto& [key, item] : *object) {
    const std::string name(key);
    if (const json::object* inner = item.if_object()) {
      for (const auto& [inner_key, inner_value] : *inner) {
        const std::string full = name + "[" + std::string(inner_key) + "]";
        // An input may be an array; it goes on as its JSON.
        TG_TRY(out[full], name == "inputs" && inner_value.is_array()
                              ? Result<std::string>(json::serialize(inner_value))
                              : scalar(inner_value, full));
      }
    } else if (const json::array* list = item.if_array()) {
      TG_CHECK(add_pairs(*list, name, out));
    } else {
      TG_TRY(out[name], scalar(item, name));
    }
  }
  return {};
}

Status add_form(const std::string& body, Parameters& out) {
  for (const std::string& pair : split(body, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto name = percent_decode(std::string_view(pair).substr(0, equals), true);
    const auto value = equals == std::string::npos
                           ? std::optional<std::string>("")
                           : percent_decode(std::string_view(pair).substr(equals + 1), true);
    if (!name || !value) return fail(Errc::kInvalid, "the form is not well encoded");
    out[*name] = *value;
  }
  return {};
}

// curl -F, as GitLab's documentation shows for triggers. Only plain fields are looked at.
void add_multipart(const std::string& body, const std::string& content_type, Parameters& out) {
  const std::size_t at = content_type.find("boundary=");
  if (at == std::string::npos) return;
  std::string boundary = content_type.substr(at + 9);
  if (boundary.starts_with('"') && boundary.size() > 1)
    boundary = boundary.substr(1, boundary.find('"', 1) - 1);
  const std::string mark = "--" + boundary;
  for (std::size_t part = body.find(mark); part != std::string::npos;) {
    const std::size_t start = part + mark.size();
    const std::size_t next = body.find(mark, start);
    if (next == std::string::npos) return;
    const std::string_view text = std::string_view(body).substr(start, next - start);
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t name = text.find("name=\"");
    if (head != std::string_view::npos && name < head) {
      const std::size_t end = text.find('"', name + 6);
      std::string_view value = text.substr(head + 4);
      if (value.ends_with("\r\n")) value.remove_suffix(2);
      out[std::string(text.substr(name + 6, end - name - 6))] = std::string(value);
    }
    part = next;
  }
}

}  // namespace

Result<Parameters> parameters_of(const Request& request) {
  Parameters out;
  for (const auto& [name, value] : request.query) out[name] = value;
  if (request.body.size == 0) return out;
  TG_TRY(const std::string body, request.body.text(1U << 20U));
  const std::string type = request.header("content-type").value_or("");
  if (type.starts_with("application/json")) {
    TG_CHECK(add_json(body, out));
  } else if (type.starts_with("multipart/form-data")) {
    add_multipart(body, type, out);
  } else if (type.starts_with("application/x-www-form-urlencoded")) {
    TG_CHECK(add_form(body, out));
  }
  return out;
}

std::string token_of(const Request& request) {
  for (const char* header : {"private-token", "job-token"}) {
    if (const auto token = request.header(header)) return *token;
  }
  if (const auto authorization = request.header("authorization")) {
    if (authorization->starts_with("Bearer ")) return authorization->substr(7);
    if (authorization->starts_with("Basic ")) {
      const auto plain = base64_decode(trim(std::string_view(*authorization).substr(6)));
      const std::size_t colon = plain ? plain->find(':') : std::string::npos;
      if (colon != std::string::npos) return plain->substr(colon + 1);
    }
  }
  for (const char* name : {"private_token", "job_token"}) {
    if (const auto token = request.query_value(name)) return *token;
  }
  return {};
}

unsigned status_of(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return 400;
    case Errc::kNotFound:
      return 404;
    case Errc::kConflict:
      return 409;
    case Errc::kDenied:
      return 401;
    case Errc::kUnavailable:
      return 503;
    case Errc::kFailed:
      return 422;
    case Errc::kCanceled:
      return 503;
    case Errc::kEnvironment:
      return 503;
    case Errc::kInternal:
      return 500;
  }
  return 500;
}

Response json_response(unsigned status, const json::value& value) {
  return Response::json(status, json::serialize(value));
}

Response error_response(const Error& error) {
  const std::string text = is_utf8(error.message) ? error.message : printable(error.message, 2000);
  return json_response(status_of(error.code), json::object{{"message", text}});
}

Handler answering(Answer answer) {
  return [answer = std::move(answer)](Request request, Reply reply) {
    auto response = answer(request);
    if (!response && status_of(response.error().code) >= 500) {
      log::warn("api", "{} {}: {}", request.method, printable(request.raw_path), response.error().message);
    }
    reply.send(response ? std::move(*response) : error_response(response.error()));
  };
}

Handler in_project(app::Server& server, ProjectAnswer answer) {
  return answering([&server, answer = std::move(answer)](const Request& request) -> Result<Response> {
    TG_TRY(const auto token, server.authenticate(token_of(request)));
    const auto project = server.project(request.param("id"));
    if (!project) return project.error();
    if (!Access{token}.may_use(project->id)) return fail(Errc::kNotFound, "404 Project Not Found");
    return answer(request, *project);
  });
}

}  // namespace tidegate::http::api
