#include "adapters/neo4j/prepare.h"

#include <fmt/format.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::neo4j {
namespace {

using app::GraphOutcome;
using app::GraphRequest;

std::string version_id(const std::string& sha256, const GraphRequest& request) {
  return sha256.substr(0, 12) + "-" + sha256_hex(request.name + "\n" + request.load).substr(0, 12);
}

Status check_request(const GraphRequest& request) {
  if (request.name.empty() || request.name.size() > 200)
    return fail(Errc::kInvalid, "the graph's name is empty or long");
  return {};
}

// The member of this name in whatever folder of the set.
Result<std::string> read_table(const GraphRequest& request, std::string_view name, std::size_t max_bytes) {
  const app::GraphMember* found = nullptr;
  for (const auto& member : request.members) {
    if (member.name != name && !member.name.ends_with("/" + std::string(name))) continue;
    if (found != nullptr) return fail(Errc::kInvalid, fmt::format("the set has two files {}", name));
    found = &member;
  }
  if (found == nullptr) return fail(Errc::kInvalid, fmt::format("the set has no file {}", name));
  return sys::read_file(found->file, max_bytes);
}

Result<Curriculum> read_curriculum(const GraphRequest& request, std::string_view text,
                                   const CurriculumLimits& limits) {
  if (request.members.empty()) return parse_curriculum(text, limits);
  TG_TRY(const auto nodes, read_table(request, "nodes.csv", limits.max_bytes));
  TG_TRY(const auto edges, read_table(request, "edges.csv", limits.max_bytes));
  return parse_curriculum_csv(nodes, edges, limits);
}

}  // namespace

Result<Prepared> prepare(const GraphRequest& request, const CurriculumLimits& limits) {
  TG_CHECK(check_request(request));
  TG_TRY(const auto text, sys::read_file(request.file, limits.max_bytes));
  Prepared prepared;
  auto& row = prepared.row;
  row.sha256 = sha256_hex(text);
  if (!request.sha256.empty() && row.sha256 != to_lower(request.sha256)) {
    return fail(Errc::kInvalid, fmt::format("{}: its SHA-256 is {}, not {}", request.file.string(),
                                            row.sha256, printable(request.sha256, 64)));
  }
  row.id = version_id(row.sha256, request);
  row.commit = request.commit;
  row.data_uri = request.data_uri;
  row.load = request.load;
  auto golden = parse_golden(request.golden);
  if (golden)
    prepared.golden = *std::move(golden);
  else
    prepared.problems.push_back(golden.error().message);
  auto curriculum = read_curriculum(request, text, limits);
  if (!curriculum && curriculum.error().code != Errc::kInvalid) return std::move(curriculum).error();
  if (!curriculum) {
    prepared.problems.push_back(curriculum.error().message);
    return prepared;
  }
  for (const auto& problem : curriculum->problems) prepared.problems.push_back(to_string(problem));
  for (const auto& problem : validate(curriculum->graph, request.rules)) {
    prepared.problems.push_back(to_string(problem));
  }
  prepared.notes = std::move(curriculum->notes);
  prepared.graph = std::move(curriculum->graph);
  row.nodes = static_cast<std::int64_t>(prepared.graph.nodes.size());
  row.edges = static_cast<std::int64_t>(prepared.graph.edges.size());
  return prepared;
}

GraphOutcome outcome_of(const VersionRow& row) {
  GraphOutcome outcome;
  outcome.version = row.id;
  outcome.nodes = static_cast<std::uint64_t>(row.nodes);
  outcome.edges = static_cast<std::uint64_t>(row.edges);
  return outcome;
}

GraphOutcome judged(Prepared prepared) {
  auto outcome = outcome_of(prepared.row);
  outcome.problems = std::move(prepared.problems);
  outcome.notes = std::move(prepared.notes);
  return outcome;
}

}  // namespace tidegate::neo4j
