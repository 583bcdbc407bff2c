#include "adapters/sqlite/message_json.h"

#include <boost/json.hpp>

#include "adapters/sqlite/options_json.h"

namespace tidegate::sqlite {
namespace {

namespace json = boost::json;
using pipeline::JobImage;
using pipeline::JobMessage;
using pipeline::JobVariables;

json::value strings(const std::vector<std::string>& list) {
  return json::value_from(list);
}

template <class Range, class Encode>
json::array array_of(const Range& range, Encode encode) {
  json::array out;
  for (const auto& item : range) out.push_back(encode(item));
  return out;
}

template <class T>
json::value optional(const std::optional<T>& value) {
  return value ? json::value_from(*value) : json::value(nullptr);
}

json::value seconds(const std::optional<Seconds>& value) {
  return value ? json::value(value->count()) : json::value(nullptr);
}

json::value variables(const JobVariables& list) {
  return array_of(list, [](const pipeline::JobVariable& v) {
    return json::object{{"key", v.key},       {"value", v.value}, {"public", v.is_public},
                        {"masked", v.masked}, {"file", v.file},   {"raw", v.raw}};
  });
}

json::value image(const JobImage& i) {
  return json::object{{"name", i.name},
                      {"aliases", strings(i.aliases)},
                      {"entrypoint", optional(i.entrypoint)},
                      {"command", optional(i.command)},
                      {"pull_policy", strings(i.pull_policy)},
                      {"user", i.user},
                      {"platform", i.platform},
                      {"variables", variables(i.variables)}};
}

json::object rim(const JobMessage& m) {
  json::object out;
  out["artifacts"] = array_of(m.artifacts, [](const pipeline::JobArtifacts& a) {
    return json::object{{"name", a.name},
                        {"untracked", a.untracked},
                        {"paths", strings(a.paths)},
                        {"exclude", strings(a.exclude)},
                        {"when", a.when},
                        {"expire_in", seconds(a.expire_in)},
                        {"never_expires", a.never_expires},
                        {"type", a.type},
                        {"format", a.format}};
  });
  out["cache"] = array_of(m.cache, [](const pipeline::JobCache& c) {
    return json::object{{"key", c.key},       {"untracked", c.untracked},
                        {"policy", c.policy}, {"paths", strings(c.paths)},
                        {"when", c.when},     {"fallback_keys", strings(c.fallback_keys)}};
  });
  out["credentials"] = array_of(m.credentials, [](const pipeline::JobCredentials& c) {
    return json::object{{"url", c.url}, {"username", c.username}, {"password", c.password.reveal()}};
  });
  out["dependencies"] = array_of(m.dependencies, [](const pipeline::JobDependency& d) {
    return json::object{
        {"id", d.id.value()}, {"name", d.name}, {"token", d.token}, {"has_artifacts", d.has_artifacts}};
  });
  out["elsewhere"] = array_of(m.elsewhere, [](const pipeline::JobElsewhere& e) {
    return json::object{{"job", e.job}, {"pipeline", e.pipeline}, {"project", e.project}, {"ref", e.ref}};
  });
  out["data"] = array_of(m.data, [](const pipeline::JobData& d) {
    return json::object{
        {"source", d.source}, {"uri", d.uri}, {"file", d.file}, {"sha256", d.sha256}, {"is_set", d.is_set}};
  });
  out["hooks"] = array_of(m.hooks, [](const pipeline::JobHook& h) {
    return json::object{{"name", h.name}, {"script", strings(h.script)}};
  });
  out["secrets"] = array_of(m.secrets, [](const pipeline::JobSecret& s) {
    return json::object{{"key", s.key}, {"provider", s.provider}, {"file", s.file}};
  });
  out["may_have_secrets"] = m.may_have_secrets;
  out["has_network"] = m.has_network;
  out["release"] = m.release ? json::parse(encode_release(*m.release)) : json::value(nullptr);
  return out;
}

// Reading is the reverse of our own writing; boost::json throws on anything else, and the callers turn that
// into an Error: a database that was altered by hand.
std::string text(const json::value& v, const char* key) {
  return std::string(v.at(key).as_string());
}
// Of keys that an older schema did not write.
int number_or_zero(const json::value& v, const char* key) {
  const auto* found = v.as_object().if_contains(key);
  return found == nullptr ? 0 : found->to_number<int>();
}
std::vector<std::string> texts(const json::value& v) {
  return json::value_to<std::vector<std::string>>(v);
}
std::optional<std::vector<std::string>> optional_texts(const json::value& v) {
  if (v.is_null()) return std::nullopt;
  return texts(v);
}
std::optional<Seconds> optional_seconds(const json::value& v) {
  if (v.is_null()) return std::nullopt;
  return Seconds{v.to_number<std::int64_t>()};
}

JobVariables read_variables(const json::value& v) {
  JobVariables out;
  for (const auto& item : v.as_array()) {
    out.push_back({text(item, "key"), text(item, "value"), item.at("public").as_bool(),
                   item.at("masked").as_bool(), item.at("file").as_bool(), item.at("raw").as_bool()});
  }
  return out;
}

JobImage read_image(const json::value& v) {
  JobImage out;
  out.name = text(v, "name");
  out.aliases = texts(v.at("aliases"));
  out.entrypoint = optional_texts(v.at("entrypoint"));
  out.command = optional_texts(v.at("command"));
  out.pull_policy = texts(v.at("pull_policy"));
  out.user = text(v, "user");
  out.platform = text(v, "platform");
  out.variables = read_variables(v.at("variables"));
  return out;
}

void read_rim(const json::value& v, JobMessage& m) {
  for (const auto& a : v.at("artifacts").as_array()) {
    m.artifacts.push_back({text(a, "name"), a.at("untracked").as_bool(), texts(a.at("paths")),
                           texts(a.at("exclude")), text(a, "when"), optional_seconds(a.at("expire_in")),
                           a.at("never_expires").as_bool(), text(a, "type"), text(a, "format")});
  }
  for (const auto& c : v.at("cache").as_array()) {
    m.cache.push_back({text(c, "key"), c.at("untracked").as_bool(), text(c, "policy"), texts(c.at("paths")),
                       text(c, "when"), texts(c.at("fallback_keys"))});
  }
  for (const auto& c : v.at("credentials").as_array()) {
    m.credentials.push_back({text(c, "url"), text(c, "username"), Secret(text(c, "password"))});
  }
  for (const auto& d : v.at("dependencies").as_array()) {
    m.dependencies.push_back(
        {JobId{d.at("id").as_int64()}, text(d, "name"), text(d, "token"), d.at("has_artifacts").as_bool()});
  }
  if (const auto* elsewhere =
          v.as_object().if_contains("elsewhere")) {  // messages of older programs have none
    for (const auto& e : elsewhere->as_array()) {
      m.elsewhere.push_back({text(e, "job"), text(e, "pipeline"), text(e, "project"), text(e, "ref")});
    }
  }
  for (const auto& d : v.at("data").as_array()) {
    const auto* is_set = d.as_object().if_contains("is_set");  // messages of older programs have none
    m.data.push_back({text(d, "source"), text(d, "uri"), text(d, "file"), text(d, "sha256"),
                      is_set != nullptr && is_set->as_bool()});
  }
}

// Messages from before these parts do not have them.
void read_services(const json::value& v, JobMessage& m) {
  if (!v.as_object().contains("hooks")) return;
  for (const auto& h : v.at("hooks").as_array()) m.hooks.push_back({text(h, "name"), texts(h.at("script"))});
  for (const auto& s : v.at("secrets").as_array())
    m.secrets.push_back({text(s, "key"), text(s, "provider"), s.at("file").as_bool()});
  m.may_have_secrets = v.at("may_have_secrets").as_bool();
  if (const auto* network = v.as_object().if_contains("has_network")) m.has_network = network->as_bool();
  if (v.at("release").is_null()) return;
  if (auto release = decode_release(json::serialize(v.at("release")))) m.release = std::move(*release);
}

template <class T, class Read>
Result<T> guarded(std::string_view source, Read read) {
  try {
    return read(json::parse(source));
  } catch (const std::exception& error) {
    return fail(Errc::kInternal, std::string("database: a stored value cannot be read: ") + error.what());
  }
}

}  // namespace

std::string encode_message(const JobMessage& m) {
  json::object out = rim(m);
  out["id"] = m.id.value();
  out["token"] = m.token.reveal();
  out["name"] = m.name;
  out["stage"] = m.stage;
  out["pipeline_id"] = m.pipeline_id;
  out["project_id"] = m.project_id;
  out["project_path"] = m.project_path;
  out["git"] = json::object{{"repo_url", m.git.repo_url}, {"ref", m.git.ref},
                            {"sha", m.git.sha},           {"before_sha", m.git.before_sha},
                            {"is_tag", m.git.is_tag},     {"refspecs", strings(m.git.refspecs)},
                            {"depth", m.git.depth}};
  out["timeout"] = m.timeout.count();
  out["variables"] = variables(m.variables);
  out["overriding"] = m.overriding;
  out["steps"] = array_of(m.steps, [](const pipeline::JobStep& s) {
    return json::object{{"name", s.name},
                        {"script", strings(s.script)},
                        {"timeout", s.timeout.count()},
                        {"when", s.when},
                        {"allow_failure", s.allow_failure}};
  });
  out["image"] = m.image ? image(*m.image) : json::value(nullptr);
  out["services"] = array_of(m.services, image);
  out["tags"] = strings(m.tags);
  return json::serialize(out);
}

Result<JobMessage> decode_message(std::string_view source) {
  return guarded<JobMessage>(source, [](const json::value& v) {
    JobMessage m;
    m.id = JobId{v.at("id").as_int64()};
    m.token = Secret(text(v, "token"));
    m.name = text(v, "name");
    m.stage = text(v, "stage");
    m.pipeline_id = v.at("pipeline_id").as_int64();
    m.project_id = v.at("project_id").as_int64();
    m.project_path = text(v, "project_path");
    const auto& git = v.at("git");
    m.git = {text(git, "repo_url"),           text(git, "ref"),           text(git, "sha"),
             text(git, "before_sha"),         git.at("is_tag").as_bool(), texts(git.at("refspecs")),
             git.at("depth").to_number<int>()};
    m.timeout = Seconds{v.at("timeout").as_int64()};
    m.variables = read_variables(v.at("variables"));
    if (const auto* n = v.as_object().if_contains("overriding")) m.overriding = n->to_number<std::size_t>();
    for (const auto& s : v.at("steps").as_array()) {
      m.steps.push_back({text(s, "name"), texts(s.at("script")), Seconds{s.at("timeout").as_int64()},
                         text(s, "when"), s.at("allow_failure").as_bool()});
    }
    if (!v.at("image").is_null()) m.image = read_image(v.at("image"));
    for (const auto& s : v.at("services").as_array()) m.services.push_back(read_image(s));
    m.tags = texts(v.at("tags"));
    read_rim(v, m);
    read_services(v, m);
    return m;
  });
}

std::string encode_variables(const JobVariables& list) {
  return json::serialize(variables(list));
}
Result<JobVariables> decode_variables(std::string_view source) {
  return guarded<JobVariables>(source, read_variables);
}

std::string encode_bridge(const pipeline::Bridge& b) {
  return json::serialize(json::object{{"kind", static_cast<int>(b.kind)},
                                      {"strategy", static_cast<int>(b.strategy)},
                                      {"project", b.project},
                                      {"branch", b.branch},
                                      {"include", b.include},
                                      {"inputs", b.inputs},
                                      {"variables", variables(b.variables)},
                                      {"forward_pipeline_variables", b.forward_pipeline_variables},
                                      {"file", b.place.file},
                                      {"line", b.place.line},
                                      {"column", b.place.column}});
}
Result<pipeline::Bridge> decode_bridge(std::string_view source) {
  return guarded<pipeline::Bridge>(source, [](const json::value& v) {
    pipeline::Bridge b;
    b.kind = static_cast<pipeline::BridgeKind>(v.at("kind").to_number<int>());
    b.strategy = static_cast<config::TriggerStrategy>(v.at("strategy").to_number<int>());
    b.project = text(v, "project");
    b.branch = text(v, "branch");
    b.include = text(v, "include");
    b.inputs = text(v, "inputs");
    b.variables = read_variables(v.at("variables"));
    b.forward_pipeline_variables = v.at("forward_pipeline_variables").as_bool();
    b.place.file = text(v, "file");
    b.place.line = v.at("line").to_number<std::uint32_t>();
    b.place.column = v.at("column").to_number<std::uint32_t>();
    return b;
  });
}

std::string encode_strings(const std::vector<std::string>& list) {
  return json::serialize(strings(list));
}
Result<std::vector<std::string>> decode_strings(std::string_view source) {
  return guarded<std::vector<std::string>>(source, texts);
}

std::string encode_job_rules(const pipeline::JobState& s) {
  return json::serialize(json::object{{"stage", s.stage},
                                      {"when", static_cast<int>(s.when)},
                                      {"start_in", seconds(s.start_in)},
                                      {"allow_failure_codes", json::value_from(s.allow_failure_codes)},
                                      {"needs", optional(s.needs)},
                                      {"retry_max", s.retry_max},
                                      {"retry_when", strings(s.retry_when)},
                                      {"retry_codes", json::value_from(s.retry_codes)},
                                      {"retry_due", s.retry_due},
                                      {"starts_when_ready", s.starts_when_ready},
                                      {"interruptible", s.interruptible},
                                      {"resource_group", s.resource_group},
                                      {"bridge", static_cast<int>(s.bridge)},
                                      {"strategy", static_cast<int>(s.strategy)},
                                      {"linked", s.linked ? 1 : 0}});
}

Status decode_job_rules(std::string_view source, pipeline::JobState& state) {
  auto read = guarded<bool>(source, [&](const json::value& v) {
    state.stage = v.at("stage").to_number<std::uint32_t>();
    state.when = static_cast<config::When>(v.at("when").to_number<int>());
    state.start_in = optional_seconds(v.at("start_in"));
    state.allow_failure_codes = json::value_to<std::vector<int>>(v.at("allow_failure_codes"));
    state.needs = optional_texts(v.at("needs"));
    state.retry_max = v.at("retry_max").to_number<int>();
    state.retry_when = texts(v.at("retry_when"));
    state.retry_codes = json::value_to<std::vector<int>>(v.at("retry_codes"));
    state.retry_due = v.at("retry_due").as_bool();
    state.starts_when_ready = v.at("starts_when_ready").as_bool();
    if (const auto* flag = v.as_object().if_contains("interruptible")) {  // older programs wrote neither
      state.interruptible = flag->as_bool();
      state.resource_group = text(v, "resource_group");
    }
    state.bridge = static_cast<pipeline::BridgeKind>(number_or_zero(v, "bridge"));
    state.strategy = static_cast<config::TriggerStrategy>(number_or_zero(v, "strategy"));
    state.linked = number_or_zero(v, "linked") != 0;
    return true;
  });
  if (!read) return read.error();
  return {};
}

}  // namespace tidegate::sqlite
