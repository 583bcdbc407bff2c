#include "main/server_config.h"

#include <cstdlib>
#include <functional>

#include <fmt/core.h>

#include "base/text.h"
#include "config/yaml.h"
#include "sys/file.h"

namespace tidegate::main {
namespace {

using config::yaml::Entry;
using config::yaml::Node;

// Collects complaints so that all of them are told at once.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  using Fields = std::map<std::string, std::function<void(const Node&)>>;

  void map(const Node& node, const std::string& where, const Fields& fields) {
    if (!node.is_map()) return complain(node, where + " must be a mapping");
    std::vector<std::string> known;
    for (const auto& [name, read] : fields) known.push_back(name);
    for (const Entry& entry : node.entries) {
      const auto field = fields.find(entry.key);
      if (field != fields.end()) {
        field->second(*entry.value);
      } else {
        const auto hint = nearest(entry.key, known);
        complain(*entry.value, fmt::format("{}{} is not known{}", where.empty() ? "" : where + ": ",
                                           entry.key, hint ? "; did you mean " + *hint + "?" : ""));
      }
    }
  }

  std::function<void(const Node&)> text(std::string& out) {
    return [this, &out](const Node& node) {
      if (!node.is_scalar()) return complain(node, "expected a text");
      out = expand(node);
    };
  }
  std::function<void(const Node&)> path(std::filesystem::path& out) {
    return [this, &out](const Node& node) {
      std::string value;
      text(value)(node);
      out = value;
    };
  }
  std::function<void(const Node&)> secret(Secret& out) {
    return [this, &out](const Node& node) {
      std::string value;
      text(value)(node);
      out = Secret(value);
    };
  }
  std::function<void(const Node&)> duration(Seconds& out) {
    return [this, &out](const Node& node) {
      auto value = parse_duration(expand(node));
      if (!value) return complain(node, value.error().message);
      out = *value;
    };
  }
  std::function<void(const Node&)> number(unsigned& out, unsigned least, unsigned most) {
    return [this, &out, least, most](const Node& node) {
      const auto value = parse_integer(expand(node));
      if (!value || *value < least || *value > most)
        return complain(node, fmt::format("expected a number from {} to {}", least, most));
      out = static_cast<unsigned>(*value);
    };
  }
  std::function<void(const Node&)> truth(bool& out) {
    return [this, &out](const Node& node) {
      if (node.text != "true" && node.text != "false") return complain(node, "expected true or false");
      out = node.text == "true";
    };
  }

  std::string expand(const Node& node) {
    std::string out;
    std::string_view rest = node.text;
    for (std::size_t at = rest.find("${"); at != std::string_view::npos; at = rest.find("${")) {
      const std::size_t end = rest.find('}', at);
      if (end == std::string_view::npos) break;
      const std::string name(rest.substr(at + 2, end - at - 2));
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) complain(node, "the environment variable " + name + " is not set");
      out += rest.substr(0, at);
      out += value == nullptr ? "" : value;
      rest = rest.substr(end + 1);
    }
    return out + std::string(rest);
  }

  void complain(const Node& node, const std::string& message) {
    complaints_.push_back(fmt::format("{}:{}: {}", file_, node.mark.line, message));
  }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  std::string file_;
  std::vector<std::string> complaints_;
};

// "/host:/inside[:ro]"
void read_mounts(Reader& reader, const Node& node, std::vector<app::Mount>& out) {
  for (const auto& item : node.items) {
    const auto parts = split(reader.expand(*item), ':');
    if (parts.size() < 2 || parts.size() > 3 || !parts[0].starts_with('/') || !parts[1].starts_with('/')) {
      reader.complain(*item, "a mount is /host:/inside or /host:/inside:ro");
      continue;
    }
    out.push_back({parts[0], parts[1], parts.size() == 3 && parts[2] == "ro"});
  }
}

void read_tags(Reader& reader, const Node& node, std::optional<std::vector<std::string>>& out) {
  if (!node.is_list()) return reader.complain(node, "tags is a list");
  out.emplace();
  for (const auto& item : node.items) out->push_back(reader.expand(*item));
}

void read_runner(Reader& reader, const Node& node, ServerConfig::Runner& out) {
  reader.map(node, "runner",
             {
                 {"slots", reader.number(out.slots, 1, 64)},
                 {"executor",
                  [&](const Node& value) {
                    out.executor = reader.expand(value);
                    if (out.executor != "docker" && out.executor != "shell")
                      reader.complain(value, "executor is docker or shell");
                  }},
                 {"docker_socket", reader.path(out.docker_socket)},
                 {"network", reader.text(out.network)},
                 {"default_image", reader.text(out.default_image)},
                 {"share_engine", reader.truth(out.share_engine)},
                 {"environment",
                  [&](const Node& value) {
                    for (const Entry& entry : value.entries)
                      out.environment[entry.key] = reader.expand(*entry.value);
                  }},
                 {"tags", [&](const Node& value) { read_tags(reader, value, out.tags); }},
                 {"run_untagged", reader.truth(out.run_untagged)},
                 {"secrets", reader.path(out.secrets)},
                 {"cache_gib", reader.number(out.cache_gib, 0, 100'000)},
                 {"mounts", [&](const Node& value) { read_mounts(reader, value, out.mounts); }},
             });
}

void read_queue(Reader& reader, const Node& node, ServerConfig::Queue& out) {
  reader.map(node, "sqs",
             {{"queue_url", reader.text(out.queue_url)},
              {"project", reader.text(out.project)},
              {"source", reader.text(out.source)},
              {"region", reader.text(out.region)},
              {"access_key", reader.text(out.access_key)},
              {"secret_key", reader.secret(out.secret_key)},
              {"ca_file", reader.path(out.ca_file)}});
  const bool is_url = out.queue_url.starts_with("https://") || out.queue_url.starts_with("http://");
  if (!is_url) reader.complain(node, "sqs: queue_url is the address of a queue, https://…");
  if (out.project.empty()) reader.complain(node, "sqs: project is missing: group/name");
}

void read_include_policy(Reader& reader, const Node& node, app::IncludePolicy& out) {
  reader.map(node, "include",
             {
                 {"projects",
                  [&](const Node& value) {
                    if (!value.is_list()) return reader.complain(value, "expected a list of projects");
                    for (const auto& item : value.items) out.projects.push_back(reader.expand(*item));
                  }},
                 {"templates", reader.path(out.templates)},
                 {"remote", reader.truth(out.remote)},
             });
}

void read_all(Reader& reader, const Node& root, ServerConfig& c) {
  reader.map(
      root, "",
      {
          {"listen", reader.text(c.listen)},
          {"data", reader.path(c.data)},
          {"external_url", reader.text(c.external_url)},
          {"s3",
           [&](const Node& node) {
             reader.map(node, "s3",
                        {{"endpoint", reader.text(c.s3.endpoint)},
                         {"region", reader.text(c.s3.region)},
                         {"access_key", reader.text(c.s3.access_key)},
                         {"secret_key", reader.secret(c.s3.secret_key)},
                         {"ca_file", reader.path(c.s3.ca_file)}});
           }},
          {"sns",
           [&](const Node& node) {
             reader.map(node, "sns",
                        {{"verify", reader.truth(c.sns.verify)}, {"ca_file", reader.path(c.sns.ca_file)}});
           }},
          {"sqs",
           [&](const Node& node) {
             if (!node.is_list()) return reader.complain(node, "sqs is a list of queues");
             for (const auto& item : node.items) read_queue(reader, *item, c.sqs.emplace_back());
           }},
          {"registry",
           [&](const Node& node) {
             reader.map(node, "registry",
                        {{"host", reader.text(c.registry.host)},
                         {"user", reader.text(c.registry.user)},
                         {"password", reader.secret(c.registry.password)},
                         {"cert_dir", reader.path(c.registry.cert_dir)},
                         {"tls_verify", reader.truth(c.registry.tls_verify)}});
           }},
          {"ssh",
           [&](const Node& node) { reader.map(node, "ssh", {{"config", reader.path(c.ssh.config)}}); }},
          {"neo4j",
           [&](const Node& node) {
             reader.map(node, "neo4j",
                        {{"url", reader.text(c.neo4j.url)},
                         {"user", reader.text(c.neo4j.user)},
                         {"password", reader.secret(c.neo4j.password)},
                         {"database", reader.text(c.neo4j.database)}});
           }},
          {"mlflow",
           [&](const Node& node) {
             reader.map(node, "mlflow",
                        {{"url", reader.text(c.mlflow_url)}, {"poll", reader.duration(c.mlflow_poll)}});
           }},
          {"runner", [&](const Node& node) { read_runner(reader, node, c.runner); }},
          {"include", [&](const Node& node) { read_include_policy(reader, node, c.include); }},
          {"reconcile_every", reader.duration(c.reconcile_every)},
          {"directory_poll", reader.duration(c.directory_poll)},
          {"drift_every", reader.duration(c.drift_every)},
      });
}

}  // namespace

Result<ServerConfig> read_server_config(const std::filesystem::path& file) {
  ServerConfig config;
  if (!file.empty()) {
    TG_TRY(const std::string text, sys::read_file(file));
    const auto parsed = config::yaml::parse(text, file.string());
    Reader reader(file.string());
    std::vector<std::string> complaints;
    for (const auto& d : parsed.diagnostics)
      complaints.push_back(fmt::format("{}:{}: {}", file.string(), d.place.line, d.message));
    if (!parsed.documents.empty() && !parsed.documents.front()->is_null())
      read_all(reader, *parsed.documents.front(), config);
    complaints.insert(complaints.end(), reader.complaints().begin(), reader.complaints().end());
    if (!complaints.empty()) return fail(Errc::kInvalid, join(complaints, "\n"));
  }
  if (config.external_url.empty()) config.external_url = "http://" + config.listen;
  while (config.external_url.ends_with('/')) config.external_url.pop_back();
  return config;
}

}  // namespace tidegate::main
