// What API v4 and Tidegate's own API show of things, as JSON.
#pragma once

#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "app/server/server.h"

namespace tidegate::http::api {

boost::json::value project_view(const app::Project& project, const std::string& external_url);
boost::json::value pipeline_view(const app::Pipeline& pipeline, const std::string& external_url);
boost::json::value job_view(const app::Job& job, const app::Pipeline& pipeline,
                            const std::vector<app::Artifact>& artifacts, const std::string& external_url);
boost::json::value variable_view(const app::ProjectVariable& variable);
boost::json::value version_view(const app::Version& version);
boost::json::value member_view(const app::SetMember& member);
boost::json::value action_view(const app::DataAction& action);
/// Of a version that has failed: verdict, reason, whether its bytes are in quarantine, probes.
boost::json::value gate_view(const app::GateRecord& record);
boost::json::value event_view(const app::EventRecord& event);
boost::json::value contact_view(const app::Contact& contact);
boost::json::value delivery_view(const app::Delivery& delivery);
boost::json::value story_view(const app::DeliveryStory& story);
boost::json::value drift_view(const app::TargetDrift& drift);
boost::json::value release_view(const app::ReleaseInfo& release);
boost::json::value graph_version_view(const app::GraphVersionInfo& version);

}  // namespace tidegate::http::api
