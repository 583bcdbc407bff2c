#include "adapters/docker/engine_client.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::docker {

namespace json = boost::json;

namespace {

constexpr int kNewestMinor = 44;  // newer answers add members only; newer requests are not needed
constexpr Millis kCallTimeout{120'000};
constexpr Millis kPullTimeout{60 * 60 * 1000};

json::value parse(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value() : value;
}

// Members of an answer, whatever its shape is; a missing one is null.
const json::value& at(const json::value& value, std::initializer_list<std::string_view> path) {
  static const json::value null;
  const json::value* now = &value;
  for (const std::string_view key : path) {
    const json::object* object = now->if_object();
    now = object == nullptr ? nullptr : object->if_contains(key);
    if (now == nullptr) return null;
  }
  return *now;
}
std::string text_of(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}
bool is_true(const json::value& value) {
  return value.if_bool() != nullptr && *value.if_bool();
}

json::array strings(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}
json::object object_of(const Labels& labels) {
  json::object object;
  for (const auto& [key, value] : labels) object[key] = value;
  return object;
}

Errc code_for(long status) {
  switch (status) {
    case 400:
      return Errc::kInvalid;
    case 401:
    case 403:
      return Errc::kDenied;
    case 404:
      return Errc::kNotFound;
    case 409:
      return Errc::kConflict;
    case 503:
      return Errc::kUnavailable;
    default:
      return Errc::kFailed;
  }
}

std::string filters(const Labels& labels) {
  json::array array;
  for (const auto& [key, value] : labels) array.emplace_back(value.empty() ? key : key + "=" + value);
  return percent_encode(json::serialize(json::object{{"label", std::move(array)}}));
}

json::object host_config(const ContainerSpec& spec) {
  json::object host;
  json::array mounts;
  for (const app::Mount& mount : spec.mounts) {
    mounts.push_back(json::object{{"Type", "bind"},
                                  {"Source", mount.host.native()},
                                  {"Target", mount.inside},
                                  {"ReadOnly", mount.read_only}});
  }
  host["Mounts"] = std::move(mounts);
  if (!spec.network.empty()) host["NetworkMode"] = spec.network;
  if (!spec.extra_hosts.empty()) host["ExtraHosts"] = strings(spec.extra_hosts);
  if (!spec.keep_log) host["LogConfig"] = json::object{{"Type", "none"}, {"Config", json::object()}};
  if (spec.memory_bytes) host["Memory"] = *spec.memory_bytes;
  if (spec.cpus) host["NanoCpus"] = static_cast<std::int64_t>(*spec.cpus * 1e9);
  return host;
}

std::string container_body(const ContainerSpec& spec) {
  json::object body;
  body["Image"] = spec.image;
  if (spec.entrypoint) body["Entrypoint"] = strings(*spec.entrypoint);
  if (spec.command) body["Cmd"] = strings(*spec.command);
  body["Env"] = strings(spec.environment);
  if (!spec.working_directory.empty()) body["WorkingDir"] = spec.working_directory;
  if (!spec.user.empty()) body["User"] = spec.user;
  body["Labels"] = object_of(spec.labels);
  body["AttachStdout"] = true;
  body["AttachStderr"] = true;
  body["HostConfig"] = host_config(spec);
  if (!spec.aliases.empty()) {
    const json::object endpoint{{"Aliases", strings(spec.aliases)}};
    body["NetworkingConfig"] = json::object{{"EndpointsConfig", json::object{{spec.network, endpoint}}}};
  }
  return json::serialize(body);
}

std::string registry_auth(const pipeline::JobCredentials& credentials) {
  const json::object auth{{"username", credentials.username},
                          {"password", credentials.password.reveal()},
                          {"serveraddress", credentials.url}};
  std::string text = base64_encode(json::serialize(auth));
  std::ranges::replace(text, '+', '-');  // the Engine reads the URL alphabet
  std::ranges::replace(text, '/', '_');
  return text;
}

std::vector<std::uint16_t> tcp_ports(const json::value& exposed) {
  std::vector<std::uint16_t> ports;
  const json::object* object = exposed.if_object();
  if (object == nullptr) return ports;
  for (const auto& entry : *object) {
    const std::string_view key(entry.key().data(), entry.key().size());
    if (!key.ends_with("/tcp")) continue;
    const auto port = parse_integer(key.substr(0, key.size() - 4));
    if (port && *port > 0 && *port < 65536) ports.push_back(static_cast<std::uint16_t>(*port));
  }
  std::ranges::sort(ports);
  return ports;
}

Result<std::string> id_of(const sys::HttpResponse& response, std::string_view what) {
  std::string id = text_of(at(parse(response.body), {"Id"}));
  if (id.empty())
    return fail(Errc::kInternal, fmt::format("docker: {}: the engine's answer has no id", what));
  return id;
}

}  // namespace

EngineClient::EngineClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

sys::HttpRequest EngineClient::request(std::string method, const std::string& path) const {
  sys::HttpRequest request;
  request.method = std::move(method);
  request.url = "http://docker" + version_ + path;
  request.unix_socket = socket_;
  request.timeout = kCallTimeout;
  return request;
}

Result<sys::HttpResponse> EngineClient::call(sys::HttpRequest request, std::string_view what) {
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  Result<sys::HttpResponse> response = http_.send(request);
  if (!response) return with_context(fmt::format("docker: {}", what), response.error());
  if (response->status < 400) return response;
  std::string message = text_of(at(parse(response->body), {"message"}));
  if (message.empty()) message = fmt::format("HTTP {}", response->status);
  return fail(code_for(response->status), fmt::format("docker: {}: {}", what, printable(message, 1000)));
}

Status EngineClient::connect() {
  TG_TRY(const sys::HttpResponse pong, call(request("GET", "/_ping"), "connect to " + socket_.native()));
  int minor = kNewestMinor;
  if (const auto found = pong.headers.find("api-version"); found != pong.headers.end()) {
    const std::vector<std::string> parts = split(found->second, '.');
    const auto newest = parts.size() == 2 && parts[0] == "1" ? parse_integer(parts[1]) : std::nullopt;
    if (newest) minor = static_cast<int>(std::min<long long>(*newest, kNewestMinor));
  }
  version_ = fmt::format("/v1.{}", minor);
  return {};
}

Result<std::optional<ImageInfo>> EngineClient::find_image(const std::string& name) {
  auto response =
      call(request("GET", "/images/" + percent_encode(name, "/:@") + "/json"), "look for image " + name);
  if (!response && response.error().code == Errc::kNotFound) return std::optional<ImageInfo>();
  if (!response) return response.error();
  const json::value value = parse(response->body);
  return ImageInfo{text_of(at(value, {"Id"})), text_of(at(value, {"Config", "User"}))};
}

Status EngineClient::pull(const ImageName& image, const std::string& platform,
                          const pipeline::JobCredentials* credentials, const sys::StopFlag& stop) {
  const std::string what = fmt::format("docker: pull {}:{}", image.repository, image.tag);
  sys::HttpRequest create = request(
      "POST", fmt::format("/images/create?fromImage={}&tag={}&platform={}", percent_encode(image.repository),
                          percent_encode(image.tag), percent_encode(platform)));
  create.timeout = kPullTimeout;
  if (credentials != nullptr) create.headers.emplace_back("X-Registry-Auth", registry_auth(*credentials));
  // The answer is a stream of JSON lines; an error in the middle is one of them, after the status 200.
  std::string line;
  std::string problem;
  const auto end_line = [&] {
    const json::value value = parse(line);
    for (const char* key : {"error", "message"}) {
      if (const std::string text = text_of(at(value, {key})); !text.empty()) problem = text;
    }
    line.clear();
  };
  const auto response = http_.stream(
      create,
      [&](std::string_view bytes) {
        for (const char c : bytes) {
          if (c == '\n')
            end_line();
          else if (line.size() < 65536)
            line.push_back(c);
        }
        return true;
      },
      &stop);
  end_line();
  if (!response) return with_context(what, response.error());
  if (problem.empty() && response->status >= 400) problem = fmt::format("HTTP {}", response->status);
  if (problem.empty()) return {};
  const Errc code = response->status >= 400 ? code_for(response->status) : Errc::kFailed;
  return fail(code, fmt::format("{}: {}", what, printable(problem, 1000)));
}

Result<std::string> EngineClient::create_network(const std::string& name, const Labels& labels,
                                                 bool internal) {
  sys::HttpRequest create = request("POST", "/networks/create");
  create.body = json::serialize(json::object{{"Name", name},
                                             {"CheckDuplicate", true},
                                             {"Driver", "bridge"},
                                             {"Internal", internal},
                                             {"Labels", object_of(labels)}});
  TG_TRY(const sys::HttpResponse response, call(std::move(create), "make a network"));
  return id_of(response, "make a network");
}

Status EngineClient::remove_network(const std::string& id) {
  const auto response = call(request("DELETE", "/networks/" + id), "remove a network");
  if (response || response.error().code == Errc::kNotFound) return {};
  return response.error();
}

Result<std::string> EngineClient::create_container(const ContainerSpec& spec) {
  const std::string query = spec.platform.empty() ? "" : "?platform=" + percent_encode(spec.platform);
  sys::HttpRequest create = request("POST", "/containers/create" + query);
  create.body = container_body(spec);
  TG_TRY(const sys::HttpResponse response, call(std::move(create), "make a container of " + spec.image));
  return id_of(response, "make a container");
}

Status EngineClient::start(const std::string& id) {
  TG_CHECK(call(request("POST", fmt::format("/containers/{}/start", id)), "start the container"));
  return {};
}

Result<AttachStream> EngineClient::attach(const std::string& id) {
  return AttachStream::open(socket_,
                            fmt::format("{}/containers/{}/attach?stream=1&stdout=1&stderr=1", version_, id));
}

Result<int> EngineClient::wait(const std::string& id) {
  TG_TRY(const sys::HttpResponse response,
         call(request("POST", fmt::format("/containers/{}/wait", id)), "wait for the container"));
  const json::value value = parse(response.body);
  const json::value& code = at(value, {"StatusCode"});
  if (code.if_int64() == nullptr)
    return fail(Errc::kInternal, "docker: wait for the container: no status in the answer");
  return static_cast<int>(*code.if_int64());
}

Result<ContainerState> EngineClient::inspect(const std::string& id) {
  TG_TRY(const sys::HttpResponse response,
         call(request("GET", fmt::format("/containers/{}/json", id)), "inspect the container"));
  const json::value value = parse(response.body);
  ContainerState state;
  state.running = is_true(at(value, {"State", "Running"}));
  state.out_of_memory = is_true(at(value, {"State", "OOMKilled"}));
  if (const auto* code = at(value, {"State", "ExitCode"}).if_int64())
    state.exit_code = static_cast<int>(*code);
  state.health = text_of(at(value, {"State", "Health", "Status"}));
  if (state.health == "none") state.health.clear();
  if (const json::object* networks = at(value, {"NetworkSettings", "Networks"}).if_object()) {
    for (const auto& entry : *networks) {
      state.addresses[std::string(entry.key())] = text_of(at(entry.value(), {"IPAddress"}));
    }
  }
  state.tcp_ports = tcp_ports(at(value, {"Config", "ExposedPorts"}));
  return state;
}

Status EngineClient::kill(const std::string& id, const std::string& signal) {
  const auto response =
      call(request("POST", fmt::format("/containers/{}/kill?signal={}", id, signal)), "kill the container");
  if (response || response.error().code == Errc::kNotFound || response.error().code == Errc::kConflict)
    return {};
  return response.error();
}

Status EngineClient::exec_detached(const std::string& id, const std::vector<std::string>& argv) {
  sys::HttpRequest create = request("POST", fmt::format("/containers/{}/exec", id));
  create.body = json::serialize(json::object{{"Cmd", strings(argv)}, {"User", "0"}});
  TG_TRY(const sys::HttpResponse made, call(std::move(create), "exec"));
  TG_TRY(const std::string exec, id_of(made, "exec"));
  sys::HttpRequest start = request("POST", fmt::format("/exec/{}/start", exec));
  start.body = R"({"Detach":true})";
  TG_CHECK(call(std::move(start), "exec"));
  return {};
}

Result<std::string> EngineClient::logs(const std::string& id, int lines) {
  TG_TRY(const sys::HttpResponse response,
         call(request("GET", fmt::format("/containers/{}/logs?stdout=1&stderr=1&tail={}", id, lines)),
              "read the log"));
  std::string text;
  StreamDemux demux;
  demux.feed(response.body, [&](std::string_view bytes) { text.append(bytes); });
  return text;
}

Status EngineClient::remove_container(const std::string& id) {
  const auto response =
      call(request("DELETE", fmt::format("/containers/{}?force=1&v=1", id)), "remove the container");
  // A conflict: its removal is in progress already.
  if (response || response.error().code == Errc::kNotFound || response.error().code == Errc::kConflict)
    return {};
  return response.error();
}

Result<std::vector<std::string>> EngineClient::containers_with(const Labels& labels) {
  TG_TRY(const sys::HttpResponse response,
         call(request("GET", "/containers/json?all=1&filters=" + filters(labels)), "list containers"));
  std::vector<std::string> ids;
  const json::value value = parse(response.body);
  if (const json::array* array = value.if_array()) {
    for (const json::value& one : *array) ids.push_back(text_of(at(one, {"Id"})));
  }
  return ids;
}

Result<std::vector<std::string>> EngineClient::networks_with(const Labels& labels) {
  TG_TRY(const sys::HttpResponse response,
         call(request("GET", "/networks?filters=" + filters(labels)), "list networks"));
  std::vector<std::string> ids;
  const json::value value = parse(response.body);
  if (const json::array* array = value.if_array()) {
    for (const json::value& one : *array) ids.push_back(text_of(at(one, {"Id"})));
  }
  return ids;
}

}  // namespace tidegate::docker
