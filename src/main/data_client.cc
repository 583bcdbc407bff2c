#include "main/data_client.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/client_tools.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

constexpr std::size_t kShown = 20;  // members and events of one version, at most

void print_action(const json::value& a) {
  fmt::print("{} {:<10} {:<20} {}: {}\n", text(a, "at"), text(a, "action"),
             text(a, "source") + (text(a, "number").empty() ? "" : "/" + text(a, "number")), text(a, "who"),
             text(a, "reason"));
}

void print_source(const json::value& s) {
  const std::string manifest = text(s, "manifest");
  const std::string marker = text(s, "marker");
  const std::string ready = !manifest.empty() ? "complete by " + manifest
                            : !marker.empty() ? "complete by " + marker
                                              : "after " + text(s, "quiet_seconds") + " s of quiet";
  fmt::print("source {:<17} {} (bound on {}, {})\n", text(s, "name"), text(s, "source"), text(s, "branch"),
             ready);
  const json::value* pin = s.as_object().if_contains("pin");
  if (pin != nullptr && pin->is_object())
    fmt::print("{:<24} pinned to version {} by {}: {}\n", "", text(*pin, "number"), text(*pin, "who"),
               text(*pin, "reason"));
}

// A proof that the way from a store to here works, or a message that could not be taken.
void print_contact(const json::value& c) {
  const std::string kind = text(c, "kind");
  fmt::print("{:<6} {:<17} {} {} by {}: {}\n", kind == "refused" ? "refused" : "connected", text(c, "source"),
             text(c, "last_at"), text(c, "subject"), text(c, "channel"), text(c, "detail"));
}

std::string state_of(const json::value& member) {
  const json::value& found = member.at("found");
  if (!found.is_object()) return "missing";
  const std::string sha256 = text(found, "sha256");
  return fmt::format("{} bytes{}", text(found, "size"), sha256.empty() ? "" : ", sha256 " + sha256);
}

void print_some(const json::array& all, void (*print)(const json::value&), std::string_view what) {
  for (std::size_t i = 0; i < all.size() && i < kShown; ++i) print(all[i]);
  if (all.size() > kShown) fmt::print("           and {} more {}: see --json\n", all.size() - kShown, what);
}

void print_event_of_version(const json::value& e) {
  fmt::print("  event    {} by {} ({}): {}\n", text(e, "received_at"), text(e, "origin"), text(e, "provider"),
             printable(text(e, "key")));
}

void print_member(const json::value& m) {
  fmt::print("  member   {} ({})\n", printable(text(m, "name")), state_of(m));
}

// "these 14 events became version 7 because …"
void print_coalesced(const json::value& v) {
  const json::value* coalesced = v.as_object().if_contains("coalesced");
  if (coalesced == nullptr || text(*coalesced, "because").empty()) return;
  const std::string events = text(*coalesced, "events");
  fmt::print("  why      {} became version {}: {}\n", events == "1" ? "1 event" : events + " events",
             text(*coalesced, "version"), text(*coalesced, "because"));
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

void print_version(const json::value& v) {
  print_version_line(v);
  fmt::print("  {:<8} {} ({} bytes, sha256 {})\n", text(v, "is_set") == "true" ? "set" : "object",
             printable(text(v, "key")), text(v, "size"), text(v, "sha256"));
  print_coalesced(v);
  if (!text(v, "candidate_sha").empty()) {
    fmt::print("  commit   {} on {} {}\n", text(v, "candidate_sha"), text(v, "branch"),
               text(v, "base_sha").substr(0, 8));
    fmt::print("  pipeline #{}\n", text(v, "pipeline"));
  }
  print_diagnosis(v);
  print_jobs(v);
  print_deliveries(list(v, "deliveries"));
  for (const json::value& a : list(v, "actions"))
    fmt::print("  {:<8} {} by {}: {}\n", text(a, "action"), text(a, "at"), text(a, "who"), text(a, "reason"));
  print_some(list(v, "members"), print_member, "members");
  print_some(list(v, "events"), print_event_of_version, "events");
}

std::string with_source(const std::string& source) {
  return source.empty() ? "" : "?source=" + percent_encode(source);
}

}  // namespace

int data_list(const Connection& c, const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/data" + with_source(source), {}, [](const json::value& v) {
    for (const json::value& s : list(v, "sources")) print_source(s);
    for (const json::value& contact : list(v, "contacts")) print_contact(contact);
    for (const json::value& version : list(v, "versions")) print_version_line(version);
  });
}

int data_show(const Connection& c, const std::string& version) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/data/" + percent_encode(version, "/"), {}, print_version);
}

int data_events(const Connection& c, const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/events" + with_source(source), {}, [](const json::value& v) {
    for (const json::value& e : v.as_array()) {
      const std::string became = text(e, "became");
      fmt::print("{} {:<12} {:<11} {}\n           {}{}\n", text(e, "received_at"), text(e, "source"),
                 text(e, "verdict"), printable(text(e, "key")), text(e, "reason"),
                 became.empty() ? "" : "; became version " + became);
    }
  });
}

int data_actions(const Connection& c, const std::string& source) {
  if (lacks_project(c)) return kUsage;
  return show(c, "GET", own_path(c) + "/data-actions" + with_source(source), {}, [](const json::value& v) {
    for (const json::value& a : v.as_array()) print_action(a);
  });
}

int data_do(const Connection& c, const std::string& what, const std::string& version,
            const std::string& reason) {
  if (lacks_project(c)) return kUsage;
  const std::string path = own_path(c) + "/data/" + percent_encode(version, "/") + "/" + what;
  return show(c, "POST", path, {{"reason", reason}}, [&](const json::value& v) {
    if (what == "pin") {
      fmt::print("{} stays at version {}\n", text(v, "source"), text(v, "pin"));
    } else {
      print_version_line(v);
    }
  });
}

int data_unpin(const Connection& c, const std::string& source, const std::string& reason) {
  if (lacks_project(c)) return kUsage;
  return show(c, "POST", own_path(c) + "/data/" + percent_encode(source) + "/unpin", {{"reason", reason}},
              [](const json::value& v) { fmt::print("{} is not pinned any more\n", text(v, "source")); });
}

int data_backfill(const Connection& c, const std::string& source, const Form& filter) {
  if (lacks_project(c)) return kUsage;
  return show(c, "POST", own_path(c) + "/data/" + percent_encode(source) + "/backfill", filter,
              [](const json::value& v) {
                for (const json::value& version : v.as_array()) print_version_line(version);
                fmt::print("{} versions, oldest first\n", v.as_array().size());
              });
}

}  // namespace tidegate::main
