#include "main/server_client.h"

#include <functional>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/client_tools.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

// Who, when, from what, and why it is not live.
void print_story(const json::value& d) {
  const bool live = text(d, "live") == "true";
  const std::string state = text(d, "state") == "live" && !live ? "replaced" : text(d, "state");
  fmt::print("{} {} {:<8} {:<12} {:<12} {}\n", live ? "*" : " ", text(d, "created_at"), text(d, "kind"),
             text(d, "target"), state, text(d, "release"));
  fmt::print("    by      {}{}\n", text(d, "by"),
             text(d, "pipeline") == "0" ? ""
                                        : fmt::format(" of pipeline #{} ({}: {})", text(d, "pipeline"),
                                                      text(d, "source"), text(d, "verdict")));
  if (!text(d, "commit").empty())
    fmt::print("    commit  {} {}: {}\n", text(d, "commit").substr(0, 8), text(d, "author"),
               text(d, "title"));
  if (const json::value* data = d.as_object().if_contains("data"))
    fmt::print("    data    {} {} ({})\n", text(*data, "version"), text(*data, "uri"), text(*data, "state"));
  if (!text(d, "digest").empty()) fmt::print("    image   {}@{}\n", text(d, "repository"), text(d, "digest"));
  if (!text(d, "message").empty()) fmt::print("    {:<7} {}\n", live ? "note" : "why", text(d, "message"));
}

void print_drift(const json::value& t) {
  if (!text(t, "unknown").empty()) {
    fmt::print("{:<12} not compared: {}\n", text(t, "target"), text(t, "unknown"));
    return;
  }
  fmt::print("{:<12} {}\n", text(t, "target"),
             text(t, "drifted") == "true" ? "is not as it was left" : "is as it was left");
  for (const json::value& f : list(t, "found"))
    fmt::print("  {} {:<12} {:<10} {}{}{}\n", text(f, "host"), text(f, "member"), text(f, "kind"),
               text(f, "path"), text(f, "detail").empty() ? "" : ": ", text(f, "detail"));
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
  for (const json::value& record : list(l, "records")) {
    const auto* alias = record.as_object().if_contains("alias");
    const std::string moved =
        alias == nullptr ? text(record, "verdict")
                         : fmt::format("{} of {}: version {} to {}", text(*alias, "alias"),
                                       text(*alias, "model"), text(*alias, "from"), text(*alias, "to"));
    fmt::print("  record   {} {} {} {}\n", text(record, "number"), text(record, "at"), text(record, "kind"),
               moved);
  }
  for (const json::value& run : list(l, "runs")) {
    fmt::print("  mlflow   run {} in experiment {} ({})\n", text(run, "run_id"), text(run, "experiment_id"),
               text(run, "status"));
  }
}

}  // namespace

int releases(const Connection& c, const std::string& target) {
  if (lacks_project(c)) return kUsage;
  if (target.empty()) {
    return show(c, "GET", own_path(c) + "/deliveries", {}, [](const json::value& v) {
      for (const json::value& d : list(v, "deliveries")) print_story(d);
      print_quarantined(v);
    });
  }
  return show(c, "GET", own_path(c) + "/releases/" + percent_encode(target), {}, [](const json::value& v) {
    for (const json::value& r : list(v, "releases")) {
      const std::string what = text(r, "member") + text(r, "version");
      fmt::print("{} {:<14} {:<14} {} {} {}\n", text(r, "live") == "true" ? "*" : " ", what, text(r, "state"),
                 text(r, "release"), text(r, "commit").substr(0, 8), text(r, "host"));
    }
    if (const json::value* drift = v.as_object().if_contains("drift")) print_drift(*drift);
  });
}

int rollback(const Connection& c, const std::string& target, const std::string& to) {
  if (lacks_project(c)) return kUsage;
  Form form{{"target", target}};
  if (!to.empty()) form.emplace_back("to", to);
  return show(c, "POST", own_path(c) + "/rollback", form, [](const json::value& v) {
    for (const json::value& line : list(v, "log")) fmt::print("{}\n", std::string(line.as_string()));
    fmt::print("{}\n", text(v, "message"));
  });
}

int lineage(const Connection& c, const std::string& of) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/lineage?of=" + percent_encode(of), {}, [](const json::value& v) {
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

int drift(const Connection& c, const std::string& target) {
  if (lacks_project(c)) return kUsage;
  int code = kGood;
  const int asked = show(
      c, "GET", own_path(c) + "/drift" + (target.empty() ? "" : "?target=" + percent_encode(target)), {},
      [](const json::value& v) {
        for (const json::value& t : list(v, "targets")) print_drift(t);
      },
      [&](const json::value& v) {
        for (const json::value& t : list(v, "targets")) {
          if (text(t, "drifted") == "true") code = kFailed;
          if (!text(t, "unknown").empty() && code == kGood) code = kEnvironment;
        }
      });
  return asked == kGood ? code : asked;
}

int quarantine_list(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/deliveries", {}, print_quarantined);
}

int quarantine_lift(const Connection& c, const std::string& digest) {
  if (lacks_project(c)) return kUsage;
  return show(c, "DELETE", own_path(c) + "/quarantine/" + percent_encode(digest), {},
              [](const json::value& v) { fmt::print("{} may be released again\n", text(v, "digest")); });
}

int token_list(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/tokens", {}, [](const json::value& v) {
    for (const json::value& t : v.as_array()) {
      fmt::print("#{:<5} {:<8} {} {} {}\n", text(t, "id"), text(t, "kind"), text(t, "created_at"),
                 text(t, "source"), text(t, "name"));
    }
  });
}

int token_revoke(const Connection& c, const std::string& id) {
  if (lacks_project(c)) return kUsage;
  const std::string number = id.starts_with('#') ? id.substr(1) : id;
  return show(c, "DELETE", own_path(c) + "/tokens/" + percent_encode(number), {},
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

int token_create(const Connection& c, const std::string& kind, const std::string& name,
                 const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "POST", own_path(c) + "/tokens", {{"kind", kind}, {"name", name}, {"source", source}},
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
