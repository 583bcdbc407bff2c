#include "adapters/http/api/lineage_views.h"

#include <boost/json.hpp>

#include "adapters/http/api/views.h"
#include "base/text.h"
#include "lineage/dsse.h"

namespace tidegate::http::api {

namespace json = boost::json;

json::value record_view(const lineage::Entry& entry) {
  json::error_code failed;
  auto body = json::parse(entry.body, failed);
  json::object out = !failed && body.is_object() ? std::move(body.get_object()) : json::object{};
  out["number"] = entry.link.number;
  out["hash"] = entry.link.hash;
  return out;
}

json::value lineage_view(const app::Lineage& l) {
  json::array events, deliveries, runs, records;
  for (const auto& e : l.events) events.push_back(event_view(e));
  for (const auto& d : l.deliveries) deliveries.push_back(delivery_view(d));
  for (const auto& e : l.records) records.push_back(record_view(e));
  for (const auto& r : l.runs) {
    runs.push_back({{"run_id", r.run_id},
                    {"experiment_id", r.experiment_id},
                    {"status", r.status},
                    {"start_time", r.start_time ? json::value(format_iso8601(*r.start_time)) : nullptr}});
  }
  return json::object{{"project", l.project.path},
                      {"commit", l.commit},
                      {"data", l.version ? version_view(*l.version) : json::value(nullptr)},
                      {"events", events},
                      {"pipeline", l.pipeline ? pipeline_view(*l.pipeline, "") : json::value(nullptr)},
                      {"deliveries", deliveries},
                      {"runs", runs},
                      {"records", records}};
}

// Source: DSSE v1, envelope.md; in-toto attestation framework, envelope.md.
Result<json::object> signed_statement(const json::object& statement, app::Signer& signer) {
  constexpr std::string_view kType = "application/vnd.in-toto+json";
  const std::string payload = json::serialize(statement);
  TG_TRY(const std::string signature, signer.sign(lineage::to_be_signed(kType, payload)));
  const json::object by{{"keyid", signer.key_id()}, {"sig", base64_encode(signature)}};
  return json::object{
      {"payloadType", kType}, {"payload", base64_encode(payload)}, {"signatures", json::array{by}}};
}

}  // namespace tidegate::http::api
