#include "main/server_client.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/client_tools.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

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

}  // namespace

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
