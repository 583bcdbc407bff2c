// Lineage records in the forms that others read.
#pragma once

#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "app/ports/signer.h"
#include "app/server/server.h"
#include "lineage/record.h"

namespace tidegate::http::api {

/// The record's members, with "number", "hash" and "pipeline".
boost::json::value record_view(const lineage::Entry& entry);
boost::json::value lineage_view(const app::Lineage& lineage);

/// A stored record and what it says.
struct ReadEntry {
  lineage::Entry entry;
  lineage::Record record;
};

/// OpenLineage run events (spec 2-0-2), in the order of time. `url`: how people reach the server; the
/// namespace of its jobs.
///
///   object ─► pipeline ─► image ─► delivery ─► release at its place ─► training run
std::vector<boost::json::object> openlineage_events(const ReadEntry& read, const std::string& url);

/// in-toto Statements v1 with SLSA provenance v1, one for each image of an attempt that was accepted.
std::vector<boost::json::object> provenance_statements(const ReadEntry& read, const std::string& url);

/// A DSSE envelope around the statement.
Result<boost::json::object> signed_statement(const boost::json::object& statement, app::Signer& signer);

}  // namespace tidegate::http::api
