#include "adapters/http/api/views.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

json::value when(const std::optional<Instant>& instant) {
  return instant ? json::value(format_iso8601(*instant)) : json::value(nullptr);
}

json::value seconds_between(const std::optional<Instant>& from, const std::optional<Instant>& to) {
  if (!from || !to) return nullptr;
  return static_cast<double>((*to - *from).count()) / 1000.0;
}

// Keys and messages come from outside and may be any bytes; JSON text must be UTF-8.
std::string safe(const std::string& text) {
  return is_utf8(text) ? text : printable(text, 4096);
}

std::string pipeline_url(const app::Pipeline& p, const std::string& url) {
  return fmt::format("{}/api/v4/projects/{}/pipelines/{}", url, p.project.value(), p.id.value());
}

}  // namespace

json::value project_view(const app::Project& p, const std::string& url) {
  const std::string name = p.path.substr(p.path.rfind('/') + 1);
  return json::object{{"id", p.id.value()},
                      {"name", name},
                      {"path", name},
                      {"path_with_namespace", p.path},
                      {"default_branch", p.default_branch},
                      {"http_url_to_repo", url + "/" + p.path + ".git"},
                      {"web_url", url + "/" + p.path},
                      {"created_at", format_iso8601(p.created_at)}};
}

json::value pipeline_view(const app::Pipeline& p, const std::string& url) {
  return json::object{
      {"id", p.id.value()},
      {"iid", p.iid},
      {"project_id", p.project.value()},
      {"sha", p.sha},
      {"before_sha", p.before_sha.empty() ? std::string(40, '0') : p.before_sha},
      {"ref", p.ref},
      {"tag", p.is_tag},
      {"status", pipeline::to_string(p.status)},
      {"source", p.source},
      {"name", p.name.empty() ? json::value(nullptr) : json::value(p.name)},
      {"yaml_errors", p.yaml_errors.empty() ? json::value(nullptr) : json::value(safe(p.yaml_errors))},
      {"created_at", format_iso8601(p.created_at)},
      {"updated_at", when(p.finished_at  ? p.finished_at
                          : p.started_at ? p.started_at
                                         : std::optional(p.created_at))},
      {"started_at", when(p.started_at)},
      {"finished_at", when(p.finished_at)},
      {"duration", seconds_between(p.started_at, p.finished_at)},
      {"web_url", pipeline_url(p, url)}};
}

json::value job_view(const app::Job& j, const app::Pipeline& p, const std::vector<app::Artifact>& artifacts,
                     const std::string& url) {
  json::array files;
  json::value archive = nullptr;
  json::value expires = nullptr;
  for (const app::Artifact& a : artifacts) {
    files.push_back(
        {{"file_type", a.type}, {"size", a.size}, {"filename", a.file_name}, {"file_format", a.format}});
    if (a.type != "archive") continue;
    archive = {{"filename", a.file_name}, {"size", a.size}};
    expires = when(a.expire_at);
  }
  return json::object{
      {"id", j.state.id.value()},
      {"status", pipeline::to_string(j.state.status)},
      {"stage", j.stage},
      {"name", j.state.name},
      {"ref", p.ref},
      {"tag", p.is_tag},
      {"allow_failure", j.state.allow_failure},
      {"created_at", format_iso8601(j.created_at)},
      {"started_at", when(j.started_at)},
      {"finished_at", when(j.finished_at)},
      {"duration", seconds_between(j.started_at, j.finished_at)},
      {"queued_duration", seconds_between(j.queued_at, j.started_at)},
      {"failure_reason",
       j.state.failure_reason.empty() ? json::value(nullptr) : json::value(j.state.failure_reason)},
      {"exit_code", j.state.exit_code ? json::value(*j.state.exit_code) : json::value(nullptr)},
      {"retried", j.state.retried},
      {"coverage", j.coverage ? json::value(*j.coverage) : json::value(nullptr)},
      {"manual_confirmation_message", j.options.manual_confirmation.empty()
                                          ? json::value(nullptr)
                                          : json::value(safe(j.options.manual_confirmation))},
      {"environment", j.environment ? json::value(j.environment->name) : json::value(nullptr)},
      {"tag_list", json::value_from(j.message.tags)},
      {"reason", safe(j.reason)},
      {"artifacts", files},
      {"artifacts_file", archive},
      {"artifacts_expire_at", expires},
      {"commit", {{"id", p.sha}, {"short_id", p.sha.substr(0, 8)}}},
      {"pipeline",
       {{"id", p.id.value()},
        {"iid", p.iid},
        {"project_id", p.project.value()},
        {"ref", p.ref},
        {"sha", p.sha},
        {"status", pipeline::to_string(p.status)}}},
      {"web_url", fmt::format("{}/api/v4/projects/{}/jobs/{}", url, j.project.value(), j.state.id.value())}};
}

json::value variable_view(const app::ProjectVariable& v) {
  return json::object{{"key", v.key},
                      {"value", safe(v.value)},
                      {"variable_type", v.file ? "file" : "env_var"},
                      {"protected", v.is_protected},
                      {"masked", v.masked},
                      {"raw", v.raw},
                      {"environment_scope", "*"}};
}

json::value version_view(const app::Version& v) {
  return json::object{{"source", v.source},
                      {"number", v.number},
                      {"state", dataset::to_string(v.state)},
                      {"reason", safe(v.reason)},
                      {"uri", v.uri},
                      {"bucket", safe(v.bucket)},
                      {"key", safe(v.key)},
                      {"object_version", v.object_version},
                      {"etag", v.etag},
                      {"size", v.size},
                      {"sha256", v.sha256},
                      {"branch", v.branch},
                      {"base_sha", v.base_sha},
                      {"candidate_sha", v.candidate_sha},
                      {"pipeline", v.pipeline ? json::value(v.pipeline.value()) : json::value(nullptr)},
                      {"attempt", v.attempt},
                      {"is_set", v.is_set},
                      {"by_hand", v.by_hand},
                      {"because", safe(v.because)},
                      {"created_at", format_iso8601(v.created_at)},
                      {"finished_at", when(v.finished_at)}};
}

json::value member_view(const app::SetMember& m) {
  const auto& wanted = m.wanted;
  json::value found = nullptr;
  if (m.found)
    found = {{"object_version", m.found->version_id},
             {"etag", m.found->etag},
             {"size", m.found->size},
             {"sha256", m.found->sha256}};
  return json::object{{"name", safe(wanted.name)},
                      {"key", safe(wanted.key)},
                      {"wanted",
                       {{"size", wanted.size ? json::value(*wanted.size) : json::value(nullptr)},
                        {"sha256", wanted.sha256},
                        {"etag", wanted.etag}}},
                      {"found", found}};
}

json::value action_view(const app::DataAction& a) {
  return json::object{{"id", a.id},
                      {"source", a.source},
                      {"number", a.number > 0 ? json::value(a.number) : json::value(nullptr)},
                      {"action", a.action},
                      {"who", a.who},
                      {"reason", safe(a.reason)},
                      {"at", format_iso8601(a.at)}};
}

json::value gate_view(const app::GateRecord& g) {
  json::array probes;
  for (std::size_t i = 0; i < g.probes.size(); ++i) {
    const app::ProbeRecord& probe = g.probes[i];
    if (!probe.pipeline && probe.result == dataset::ProbeResult::kNotRun) continue;
    probes.push_back(
        {{"probe", dataset::to_string(static_cast<dataset::Probe>(i))},
         {"pipeline", probe.pipeline ? json::value(probe.pipeline.value()) : json::value(nullptr)},
         {"result",
          probe.result == dataset::ProbeResult::kNotRun ? "running" : dataset::to_string(probe.result)},
         {"reason", safe(probe.reason)}});
  }
  return json::object{{"verdict", g.verdict.empty() ? json::value(nullptr) : json::value(g.verdict)},
                      {"reason", safe(g.verdict_reason)},
                      {"quarantined", g.quarantined},
                      {"probes", probes}};
}

json::value event_view(const app::EventRecord& e) {
  return json::object{{"id", e.id},
                      {"source", e.source},
                      {"identity", e.identity},
                      {"verdict", e.verdict},
                      {"reason", safe(e.reason)},
                      {"became", e.number > 0 ? json::value(e.number) : json::value(nullptr)},
                      {"provider", e.event.provider},
                      {"origin", dataset::to_string(e.event.origin)},
                      {"bucket", safe(e.event.bucket)},
                      {"key", safe(e.event.key)},
                      {"version_id", e.event.version_id},
                      {"etag", e.event.etag},
                      {"sequencer", e.event.sequencer},
                      {"occurred_at", format_iso8601(e.event.occurred_at)},
                      {"received_at", format_iso8601(e.received_at)}};
}

json::value contact_view(const app::Contact& c) {
  return json::object{{"source", c.source},
                      {"kind", app::to_string(c.kind)},
                      {"channel", safe(c.channel)},
                      {"subject", safe(c.subject)},
                      {"detail", safe(c.detail)},
                      {"count", c.count},
                      {"first_at", format_iso8601(c.first_at)},
                      {"last_at", format_iso8601(c.last_at)}};
}

json::value delivery_view(const app::Delivery& d) {
  return json::object{{"id", d.id.value()},
                      {"kind", app::to_string(d.kind)},
                      {"target", d.target},
                      {"state", d.state},
                      {"repository", d.repository},
                      {"digest", d.digest},
                      {"release", d.release},
                      {"previous", d.previous},
                      {"message", safe(d.message)},
                      {"by", safe(d.by)},
                      {"pipeline", d.pipeline.value()},
                      {"job", d.job.value()},
                      {"created_at", format_iso8601(d.created_at)},
                      {"finished_at", when(d.finished_at)}};
}

json::value story_view(const app::DeliveryStory& s) {
  json::object out = delivery_view(s.delivery).as_object();
  out["live"] = s.is_live;
  out["author"] = safe(s.author);
  out["title"] = safe(s.title);
  if (s.pipeline) {
    out["commit"] = s.pipeline->sha;
    out["source"] = s.pipeline->source;
    out["verdict"] = pipeline::to_string(s.pipeline->status);
  }
  if (s.version)
    out["data"] = {{"version", s.version->source + "/" + std::to_string(s.version->number)},
                   {"uri", safe(s.version->uri)},
                   {"sha256", s.version->sha256},
                   {"state", dataset::to_string(s.version->state)},
                   {"reason", safe(s.version->reason)}};
  return out;
}

json::value drift_view(const app::TargetDrift& d) {
  json::array found;
  for (const auto& one : d.found)
    found.push_back({{"host", one.host},
                     {"member", safe(one.member)},
                     {"kind", safe(one.kind)},
                     {"path", safe(one.path)},
                     {"detail", safe(one.detail)}});
  return json::object{{"target", d.target},
                      {"at", format_iso8601(d.at)},
                      {"drifted", !d.found.empty()},
                      {"unknown", safe(d.unknown)},
                      {"found", found}};
}

json::value release_view(const app::ReleaseInfo& r) {
  return json::object{{"host", r.host},     {"member", r.member}, {"release", r.release},
                      {"commit", r.commit}, {"digest", r.digest}, {"data_uri", safe(r.data_uri)},
                      {"state", r.state},   {"live", r.live}};
}

json::value graph_version_view(const app::GraphVersionInfo& v) {
  return json::object{{"version", v.version}, {"sha256", v.sha256}, {"commit", v.commit}, {"nodes", v.nodes},
                      {"edges", v.edges},     {"state", v.state},   {"live", v.live}};
}

}  // namespace tidegate::http::api
