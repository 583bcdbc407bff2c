#include "main/server_client.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/local_commands.h"
#include "sys/http_client.h"

namespace tidegate::main {
namespace {

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
std::string own(const Connection& c) {
  return "/api/tidegate/v1/projects/" + percent_encode(c.project);
}

bool lacks_project(const Connection& c) {
  if (!c.project.empty()) return false;
  fmt::print(stderr, "tidegate: which project? Give --project GROUP/NAME or set TIDEGATE_PROJECT\n");
  return true;
}

// Asks and prints; `print` is for people, --json prints the answer as it is.
template <class Print>
int show(const Connection& c, const std::string& method, const std::string& path, const Form& form,
         Print print) {
  const auto answer = call(c, method, path, form);
  if (!answer) return refuse(answer.error());
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

void print_quarantined(const json::value& v) {
  for (const json::value& q : list(v, "quarantined")) {
    fmt::print("  quarantined {} since {}\n           {}\n", text(q, "digest"), text(q, "at"),
               text(q, "reason"));
  }
}

void print_lineage(const json::value& l) {
  const json::value& data = l.at("data");
  if (data.is_object()) {
    fmt::print("data       {} ({}/{}, sha256 {})\n", text(data, "uri"), text(data, "source"),
               text(data, "number"), text(data, "sha256"));
    fmt::print("           {} events, state {}\n", list(l, "events").size(), text(data, "state"));
  }
  fmt::print("commit     {}\n", text(l, "commit"));
  if (l.at("pipeline").is_object()) {
    fmt::print("pipeline   #{} {} ({})\n", text(l.at("pipeline"), "id"), text(l.at("pipeline"), "status"),
               text(l.at("pipeline"), "source"));
  }
  print_deliveries(list(l, "deliveries"));
  for (const json::value& run : list(l, "runs")) {
    fmt::print("  mlflow   run {} in experiment {} ({})\n", text(run, "run_id"), text(run, "experiment_id"),
               text(run, "status"));
  }
}

void print_diagnosis(const json::value& version) {
  const json::value* found = version.as_object().if_contains("diagnosis");
  if (found == nullptr || !found->is_object()) return;
  if (!text(*found, "verdict").empty())
    fmt::print("  verdict  {}: {}{}\n", text(*found, "verdict"), text(*found, "reason"),
               text(*found, "quarantined") == "true" ? " (these bytes are in quarantine)" : "");
  for (const json::value& probe : list(*found, "probes")) {
    const std::string pipeline = text(probe, "pipeline");
    fmt::print("  probe    {:<9} {} {}{}\n", text(probe, "probe"), text(probe, "result"),
               pipeline.empty() ? "" : "#" + pipeline,
               text(probe, "reason").empty() ? "" : " " + text(probe, "reason"));
  }
}

}  // namespace

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

int data_list(const Connection& c, const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/data" + (source.empty() ? "" : "?source=" + percent_encode(source)), {},
              [](const json::value& v) {
                for (const json::value& s : list(v, "sources")) {
                  fmt::print("source {:<17} {} (bound on {}, after {} s of quiet)\n", text(s, "name"),
                             text(s, "source"), text(s, "branch"), text(s, "quiet_seconds"));
                }
                for (const json::value& version : list(v, "versions")) print_version_line(version);
              });
}

int data_show(const Connection& c, const std::string& version) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/data/" + percent_encode(version, "/"), {}, [](const json::value& v) {
    print_version_line(v);
    fmt::print("  object   {} ({} bytes, sha256 {})\n", text(v, "key"), text(v, "size"), text(v, "sha256"));
    if (!text(v, "candidate_sha").empty()) {
      fmt::print("  commit   {} on {} {}\n", text(v, "candidate_sha"), text(v, "branch"),
                 text(v, "base_sha").substr(0, 8));
      fmt::print("  pipeline #{}\n", text(v, "pipeline"));
    }
    print_diagnosis(v);
    print_jobs(v);
    print_deliveries(list(v, "deliveries"));
    for (const json::value& e : list(v, "events")) {
      fmt::print("  event    {} by {} ({})\n", text(e, "received_at"), text(e, "origin"),
                 text(e, "provider"));
    }
  });
}

int data_events(const Connection& c, const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/events" + (source.empty() ? "" : "?source=" + percent_encode(source)), {},
              [](const json::value& v) {
                for (const json::value& e : v.as_array()) {
                  fmt::print("{} {:<12} {:<11} {}\n           {}\n", text(e, "received_at"),
                             text(e, "source"), text(e, "verdict"), text(e, "key"), text(e, "reason"));
                }
              });
}

int releases(const Connection& c, const std::string& target) {
  if (lacks_project(c)) return kUsage;
  if (target.empty()) {
    return show(c, "GET", own(c) + "/deliveries", {}, [](const json::value& v) {
      print_deliveries(list(v, "deliveries"));
      print_quarantined(v);
    });
  }
  return show(c, "GET", own(c) + "/releases/" + percent_encode(target), {}, [](const json::value& v) {
    for (const json::value& r : list(v, "releases")) {
      const std::string what = text(r, "member") + text(r, "version");
      fmt::print("{} {:<14} {:<14} {} {}\n", text(r, "live") == "true" ? "*" : " ", what, text(r, "state"),
                 text(r, "release"), text(r, "commit").substr(0, 8));
    }
  });
}

int rollback(const Connection& c, const std::string& target, const std::string& to) {
  if (lacks_project(c)) return kUsage;
  Form form{{"target", target}};
  if (!to.empty()) form.emplace_back("to", to);
  return show(c, "POST", own(c) + "/rollback", form, [](const json::value& v) {
    for (const json::value& line : list(v, "log")) fmt::print("{}\n", std::string(line.as_string()));
    fmt::print("{}\n", text(v, "message"));
  });
}

int lineage(const Connection& c, const std::string& of) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/lineage?of=" + percent_encode(of), {}, [](const json::value& v) {
    for (const json::value& one : v.as_array()) print_lineage(one);
  });
}

int pipelines(const Connection& c, const Form& filter) {
  if (lacks_project(c)) return kUsage;
  std::string query = "?per_page=100";
  for (const auto& [key, value] : filter) {
    if (!value.empty()) query += "&" + key + "=" + percent_encode(value);
  }
  return show(c, "GET", v4(c) + "/pipelines" + query, {}, [](const json::value& v) {
    for (const json::value& p : v.as_array()) {
      fmt::print("#{:<5} {:<10} {:<8} {:<20} {}\n", text(p, "id"), text(p, "status"), text(p, "source"),
                 text(p, "ref"), text(p, "sha").substr(0, 8));
    }
  });
}

int data_replay(const Connection& c, const std::string& version) {
  if (lacks_project(c)) return kUsage;
  const std::string path = own(c) + "/data/" + percent_encode(version, "/") + "/replay";
  return show(c, "POST", path, {}, print_version_line);
}

int quarantine_list(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/deliveries", {}, print_quarantined);
}

int quarantine_lift(const Connection& c, const std::string& digest) {
  if (lacks_project(c)) return kUsage;
  return show(c, "DELETE", own(c) + "/quarantine/" + percent_encode(digest), {},
              [](const json::value& v) { fmt::print("{} may be released again\n", text(v, "digest")); });
}

int token_list(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own(c) + "/tokens", {}, [](const json::value& v) {
    for (const json::value& t : v.as_array()) {
      fmt::print("#{:<5} {:<8} {} {}\n", text(t, "id"), text(t, "kind"), text(t, "created_at"),
                 text(t, "name"));
    }
  });
}

int token_revoke(const Connection& c, const std::string& id) {
  if (lacks_project(c)) return kUsage;
  const std::string number = id.starts_with('#') ? id.substr(1) : id;
  return show(c, "DELETE", own(c) + "/tokens/" + percent_encode(number), {},
              [](const json::value& v) { fmt::print("token #{} is revoked\n", text(v, "id")); });
}

int project_create(const Connection& c, const std::string& path, const std::string& branch) {
  return show(c, "POST", "/api/v4/projects", {{"path", path}, {"default_branch", branch}},
              [](const json::value& v) {
                fmt::print("project {} is #{}; push to {}\n", text(v, "path_with_namespace"), text(v, "id"),
                           text(v, "http_url_to_repo"));
              });
}

int project_list(const Connection& c) {
  return show(c, "GET", "/api/v4/projects", {}, [](const json::value& v) {
    for (const json::value& p : v.as_array())
      fmt::print("#{:<5} {:<30} {}\n", text(p, "id"), text(p, "path_with_namespace"),
                 text(p, "http_url_to_repo"));
  });
}

int token_create(const Connection& c, const std::string& kind, const std::string& name) {
  if (lacks_project(c)) return kUsage;
  return show(c, "POST", own(c) + "/tokens", {{"kind", kind}, {"name", name}},
              [](const json::value& v) { fmt::print("{}\n", text(v, "token")); });
}

int variable_set(const Connection& c, const std::string& key, const std::string& value, bool masked,
                 bool is_protected) {
  if (lacks_project(c)) return kUsage;
  const Form form{{"value", value},
                  {"masked", masked ? "true" : "false"},
                  {"protected", is_protected ? "true" : "false"}};
  return show(c, "PUT", v4(c) + "/variables/" + percent_encode(key), form,
              [](const json::value& v) { fmt::print("{} is set\n", text(v, "key")); });
}

int variable_list(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", v4(c) + "/variables", {}, [](const json::value& v) {
    for (const json::value& one : v.as_array()) {
      fmt::print("{:<30} {}{}\n", text(one, "key"), text(one, "masked") == "true" ? "masked " : "",
                 text(one, "protected") == "true" ? "protected" : "");
    }
  });
}

}  // namespace tidegate::main
