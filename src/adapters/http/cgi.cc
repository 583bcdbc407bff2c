#include "adapters/http/cgi.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "adapters/http/cgi_head.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/process.h"

namespace tidegate::http {
namespace {

constexpr std::size_t kMaxHead = 64U << 10U;
constexpr std::size_t kMaxStderr = 8U << 10U;

bool is_safe(const std::string& path_info) {
  if (!path_info.starts_with('/') || path_info.find('\0') != std::string::npos) return false;
  const auto parts = split(path_info, '/');
  return std::ranges::none_of(parts, [](const std::string& part) { return part == ".." || part == "."; });
}

// The CGI environment (RFC 3875, section 4.1) and what git http-backend adds to it. Nothing of our own
// environment goes to git and its hooks but PATH.
std::map<std::string, std::string> environment_of(
    const GitBackend& backend, const Request& request, const std::string& path_info,
    const std::string& remote_user, const std::map<std::string, std::string>& hook_environment) {
  const char* path = std::getenv("PATH");
  std::map<std::string, std::string> environment = {
      {"PATH", path != nullptr ? path : "/usr/bin:/bin"},
      {"HOME", backend.project_root.string()},
      {"LC_ALL", "C.UTF-8"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GATEWAY_INTERFACE", "CGI/1.1"},
      {"SERVER_PROTOCOL", "HTTP/1.1"},
      {"GIT_PROJECT_ROOT", backend.project_root.string()},
      {"GIT_HTTP_EXPORT_ALL", "1"},
      {"PATH_INFO", path_info},
      {"REQUEST_METHOD", request.method},
      {"REMOTE_ADDR", request.remote},
      {"CONTENT_LENGTH", std::to_string(request.body.size)},
  };
  const auto question = request.target.find('?');
  environment["QUERY_STRING"] = question == std::string::npos ? "" : request.target.substr(question + 1);
  const auto pass = [&](std::string_view header, const std::string& variable) {
    if (const auto value = request.header(header)) environment[variable] = *value;
  };
  pass("content-type", "CONTENT_TYPE");
  pass("content-encoding", "HTTP_CONTENT_ENCODING");
  pass("git-protocol", "HTTP_GIT_PROTOCOL");
  pass("accept-language", "HTTP_ACCEPT_LANGUAGE");
  if (!remote_user.empty()) environment["REMOTE_USER"] = remote_user;
  for (const auto& [name, value] : backend.environment) environment[name] = value;
  for (const auto& [name, value] : hook_environment) environment[name] = value;
  return environment;
}

// Output of the backend on its way to the client.
class Answer {
 public:
  explicit Answer(Reply reply) : reply_(std::move(reply)) {}

  /// False: stop the backend.
  bool take(std::string_view bytes) {
    if (started_) return reply_.write(bytes);
    head_ += bytes;
    const auto parsed = parse_cgi_head(head_);
    if (!parsed || (!*parsed && head_.size() > kMaxHead)) return false;
    if (!*parsed) return true;
    started_ = true;
    reply_.start((*parsed)->status, (*parsed)->headers);
    const auto rest = std::string_view(head_).substr((*parsed)->size);
    return rest.empty() || reply_.write(rest);
  }

  void end(bool good) {
    if (good && started_) return reply_.finish();
    if (!started_) reply_.send(Response::json(500, R"({"message":"500 Internal Server Error"})"));
    // Else the Reply goes unfinished: the connection is cut, and the client knows that it is not all.
  }

 private:
  Reply reply_;
  std::string head_;
  bool started_ = false;
};

}  // namespace

void serve_git(const GitBackend& backend, Request request, const std::string& path_info,
               const std::string& remote_user, const std::map<std::string, std::string>& hook_environment,
               Reply reply) {
  if (!is_safe(path_info)) return reply.send(Response::json(404, R"({"message":"404 Not Found"})"));
  sys::Command command;
  command.environment = environment_of(backend, request, path_info, remote_user, hook_environment);
  command.timeout = backend.timeout;
  if (request.body.file) {
    // A shell only to open the file: a pack may be larger than memory.
    command.argv = {"/bin/sh", "-c", R"(exec git http-backend <"$1")", "sh",
                    request.body.file->path().string()};
  } else {
    command.argv = {"git", "http-backend"};
    command.input = std::move(request.body.bytes);
  }
  Answer answer(std::move(reply));
  std::string errors;
  sys::StopFlag stop;
  const auto on_out = [&](std::string_view bytes) {
    if (!stop.stop_requested() && !answer.take(bytes)) stop.request_stop();
  };
  const auto on_err = [&](std::string_view bytes) {
    errors.append(bytes.substr(0, kMaxStderr - std::min(kMaxStderr, errors.size())));
  };
  const auto exit = sys::run_streaming(command, on_out, on_err, &stop);
  const bool good = exit && exit->ok();
  if (!good) {
    const std::string why = !exit ? exit.error().message
                            : exit->stopped
                                ? "the client went, or the answer has no head"
                                : fmt::format("exit {}: {}", exit->exit_code, printable(errors, 2000));
    log::warn("http", "{} {}: git: {}", request.method, request.raw_path, why);
  }
  answer.end(good);
}

}  // namespace tidegate::http
