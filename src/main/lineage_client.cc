// `tidegate lineage verify`, `export` and `key`.
#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "base/time.h"
#include "main/client_tools.h"
#include "main/local_commands.h"

namespace tidegate::main {

namespace json = boost::json;

int lineage_verify(const Connection& c, const std::string& known) {
  if (lacks_project(c)) return kUsage;
  const std::string query = known.empty() ? "" : "?known=" + percent_encode(known);
  const auto answer = call(c, "GET", own_path(c) + "/lineage/verify" + query);
  if (!answer) return refuse(answer.error());
  const bool good = answer->at("good").as_bool();
  if (c.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else if (good) {
    fmt::print("{} records are whole; with them {} logs, {} objects, {} commits\nhead {}\n",
               text(*answer, "records"), text(*answer, "logs"), text(*answer, "objects"),
               text(*answer, "commits"), text(*answer, "head"));
  } else {
    fmt::print("record {} is not as it was: {}\n{} records before it are whole\n",
               text(answer->at("broken"), "number"), text(answer->at("broken"), "why"),
               text(*answer, "records"));
  }
  return good ? kGood : kFailed;
}

int lineage_export(const Connection& c, const LineageExport& what) {
  if (lacks_project(c)) return kUsage;
  std::string query = "?format=" + percent_encode(what.format);
  if (!what.since.empty()) query += "&since=" + percent_encode(what.since);
  if (what.is_signed) query += "&signed=true";
  for (std::string after = "0"; after != "null";) {
    const auto page = call(c, "GET", own_path(c) + "/lineage/export" + query + "&after=" + after);
    if (!page) return refuse(page.error());
    for (const json::value& item : page->at("items").as_array()) fmt::print("{}\n", json::serialize(item));
    after = text(*page, "next");
  }
  return kGood;
}

int lineage_key(const Connection& c) {
  if (lacks_project(c)) return kUsage;
  const auto answer = call(c, "GET", own_path(c) + "/lineage/key");
  if (!answer) return refuse(answer.error());
  fmt::print("{}", c.json ? json::serialize(*answer) + "\n" : text(*answer, "public_key"));
  return kGood;
}

}  // namespace tidegate::main
