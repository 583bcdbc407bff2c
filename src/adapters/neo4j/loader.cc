#include "adapters/neo4j/loader.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "adapters/neo4j/batches.h"
#include "adapters/neo4j/golden.h"
#include "adapters/neo4j/overlay.h"
#include "adapters/neo4j/prepare.h"
#include "adapters/neo4j/versions.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::neo4j {
namespace {

using app::GraphOutcome;
using app::GraphRequest;
using app::OnGraphProgress;

// One line when users' data points at what this version does not have; it stays and waits.
std::vector<std::string> notes_of(const Vanished& vanished) {
  if (vanished.concepts == 0) return {};
  std::string uids;
  for (const auto& uid : vanished.uids) uids += (uids.empty() ? "" : ", ") + printable(uid, 60);
  const auto more = vanished.concepts - static_cast<std::int64_t>(vanished.uids.size());
  if (more > 0) uids += fmt::format(" and {} more", more);
  return {fmt::format(
      "{} concepts with {} relationships of your own have no node in this version; they are kept: {}",
      vanished.concepts, vanished.relationships, uids)};
}

Endpoint endpoint_of(const app::GraphServer& server) {
  return {server.http_url, server.user, server.password, server.database};
}

const VersionRow* find(const std::vector<VersionRow>& rows, std::string_view id) {
  const auto found = std::ranges::find(rows, id, &VersionRow::id);
  return found == rows.end() ? nullptr : &*found;
}

const VersionRow* find_live(const std::vector<VersionRow>& rows) {
  const auto found = std::ranges::find(rows, true, &VersionRow::live);
  return found == rows.end() ? nullptr : &*found;
}

std::vector<std::string> count_problems(const GraphCounts& expected, const GraphCounts& found) {
  std::vector<std::string> problems;
  const auto compare = [&](std::string_view what, const auto& want, const auto& have) {
    std::set<std::string> names;
    for (const auto& [name, count] : want) names.insert(name);
    for (const auto& [name, count] : have) names.insert(name);
    for (const auto& name : names) {
      const auto w = want.contains(name) ? want.at(name) : 0;
      const auto h = have.contains(name) ? have.at(name) : 0;
      if (w != h)
        problems.push_back(fmt::format("verification: {} {} {} loaded, {} expected", h, name, what, w));
    }
  };
  compare("nodes", expected.nodes, found.nodes);
  compare("edges", expected.edges, found.edges);
  if (found.crossing > 0) {
    problems.push_back(fmt::format("verification: {} edges lead into another version", found.crossing));
  }
  return problems;
}

// One load() call.
class Load {
 public:
  Load(const LoaderOptions& options, const GraphRequest& request, Prepared prepared,
       const OnGraphProgress& progress, const sys::StopFlag* stop)
      : options_(options),
        request_(request),
        prepared_(std::move(prepared)),
        progress_(progress),
        stop_(stop),
        api_(endpoint_of(request.server), options.query, stop),
        versions_(api_, request.name),
        overlay_(api_, request.name),
        outcome_(outcome_of(prepared_.row)) {}

  Result<GraphOutcome> run() {
    for (const auto& note : prepared_.notes) say(note);
    outcome_.notes = prepared_.notes;
    if (auto asked = add_index_problems(); !asked && prepared_.problems.empty())
      return std::move(asked).error();
    if (!prepared_.problems.empty()) return judged(std::move(prepared_));
    TG_CHECK(versions_.prepare_schema(labels_with_code()));
    TG_CHECK(overlay_.prepare_schema());
    TG_TRY(auto rows, versions_.list());
    const auto* live = find_live(rows);
    outcome_.previous = live != nullptr ? live->id : "";
    TG_TRY(const bool settled, settle_earlier(rows));
    if (settled) return outcome_;
    const auto* own = find(rows, id());
    if (own == nullptr || own->state != "ready") {
      TG_CHECK(load_beside());
      TG_TRY(outcome_.problems, verify());
      if (!outcome_.problems.empty()) {
        TG_CHECK(versions_.drop(id()));
        say(fmt::format("refused; version {} removed again", id()));
        return outcome_;
      }
      TG_CHECK(overlay_.keep_concepts(id()));
      TG_CHECK(versions_.mark_ready(id(), token_));
    }
    TG_CHECK(tell_vanished());
    TG_CHECK(check_stop());
    if (request_.on_swap) TG_CHECK(request_.on_swap(id(), outcome_.previous));
    TG_CHECK(versions_.swap(id(), outcome_.previous, Versions::Move::kForward));
    outcome_.live = true;
    say(fmt::format("live: {} (before: {})", id(),
                    outcome_.previous.empty() ? "nothing" : outcome_.previous));
    prune();
    return outcome_;
  }

 private:
  const std::string& id() const { return prepared_.row.id; }
  void say(std::string_view line) const {
    if (progress_) progress_(line);
  }
  Status check_stop() const {
    if (stop_ != nullptr && stop_->stop_requested()) return fail(Errc::kCanceled, "graph load stopped");
    return {};
  }

  // What the file alone cannot tell. Said together with the file's own problems, where the server answers.
  Status add_index_problems() {
    if (request_.rules.skip.contains(release::GraphProblem::Kind::kEmbedding)) return {};
    TG_TRY(const auto indexes, overlay_.vector_indexes());
    for (const auto& problem : release::bounded(release::vector_index_problems(prepared_.graph, indexes),
                                                request_.rules.max_problems)) {
      prepared_.problems.push_back(to_string(problem));
    }
    return {};
  }

  Status tell_vanished() {
    TG_TRY(const auto vanished, overlay_.vanished(id()));
    for (auto& note : notes_of(vanished)) {
      say(note);
      outcome_.notes.push_back(std::move(note));
    }
    return {};
  }

  std::vector<std::string> labels_with_code() const {
    std::set<std::string> labels;
    for (const auto& node : prepared_.graph.nodes) {
      if (std::ranges::find(node.properties, "code", &release::GraphProperty::name) !=
          node.properties.end()) {
        labels.insert(node.label);
      }
    }
    return {labels.begin(), labels.end()};
  }

  // Sweeps what dead loads left, and says true when this very load has come to its end before.
  Result<bool> settle_earlier(std::vector<VersionRow>& rows) {
    for (auto& row : rows) {
      const bool dead =
          row.state == "loading" && row.id != id() && Millis{row.idle_ms} >= options_.stale_after;
      if (row.state != "dropping" && !dead) continue;
      say(fmt::format("removing {}, which a load left behind", row.id));
      TG_CHECK(versions_.drop(row.id));
      row.state = "gone";
    }
    const auto* own = find(rows, id());
    if (own == nullptr) return false;
    if (own->live) {
      outcome_.live = true;
      outcome_.previous = own->previous;
      say(fmt::format("version {} is live already", id()));
      return true;
    }
    if (own->state == "retired") {
      outcome_.problems.push_back(
          fmt::format("version {} was live before and {} is live now; roll back to make it live again", id(),
                      outcome_.previous.empty() ? "nothing" : outcome_.previous));
      return true;
    }
    return false;
  }

  Status load_beside() {
    say(fmt::format("loading {} beside", id()));
    token_ = options_.new_token ? options_.new_token() : random_hex(16);
    TG_CHECK(versions_.begin(prepared_.row, token_));
    TG_CHECK(versions_.clear(id()));  // what the same load wrote before it was interrupted
    TG_TRY(const auto ids, write_nodes());
    return write_edges(ids);
  }

  Result<NodeIds> write_nodes() {
    std::vector<std::pair<std::string, std::string>> ids;
    std::size_t done = 0;
    for (const auto& batch : node_batches(prepared_.graph, options_.batch)) {
      TG_TRY(auto made, versions_.write_nodes({id(), token_}, batch));
      std::ranges::move(made, std::back_inserter(ids));
      TG_CHECK(tell("nodes", done += batch.count, prepared_.graph.nodes.size()));
    }
    return node_ids(prepared_.graph, ids);
  }

  Status write_edges(const NodeIds& ids) {
    std::size_t done = 0;
    for (const auto& batch : edge_batches(prepared_.graph, ids, options_.batch)) {
      TG_CHECK(versions_.write_edges({id(), token_}, batch, ids.prefix));
      TG_CHECK(tell("edges", done += batch.count, prepared_.graph.edges.size()));
    }
    return {};
  }

  Status tell(std::string_view what, std::size_t done, std::size_t all) const {
    say(fmt::format("{} {} of {}", what, done, all));
    return check_stop();
  }

  Result<std::vector<std::string>> verify() {
    TG_TRY(const auto found, versions_.counts(id()));
    auto problems = count_problems(counts_of(prepared_.graph), found);
    if (!problems.empty()) return problems;
    say(fmt::format("counts right; asking {} golden queries", prepared_.golden.size()));
    return ask_golden(api_, prepared_.golden, id());
  }

  // Old versions cost space only: what cannot be removed now is removed next time.
  void prune() {
    const auto rows = versions_.list();
    if (!rows) return warn(rows.error());
    const auto* live = find_live(*rows);
    if (live == nullptr) return;
    int kept = 0;
    for (const auto& row : *rows) {
      const bool needed = row.live || row.id == live->previous;
      const bool complete =
          row.state == "retired" || (row.state == "ready" && Millis{row.idle_ms} >= options_.stale_after);
      if (needed || !complete) {
        kept += needed ? 1 : 0;
        continue;
      }
      if (kept < std::max(2, request_.keep)) {
        ++kept;
        continue;
      }
      if (const auto dropped = drop_old(row.id); !dropped) warn(dropped.error());
    }
  }

  // A version that users have tied their own data to is not taken away under it.
  Status drop_old(const std::string& version) {
    TG_TRY(const auto attached, overlay_.attached(version));
    if (attached > 0) {
      say(
          fmt::format("old version {} stays: {} relationships lead from its nodes to your own; tie them to "
                      "(:GraphConcept {{name, uid}}) instead",
                      version, attached));
      return {};
    }
    TG_CHECK(versions_.drop(version));
    say("dropped old version " + version);
    return {};
  }

  void warn(const Error& error) const {
    log::warn("graph", "{}: old versions stay for now: {}", request_.name, error.message);
    say("old versions stay for now: " + error.message);
  }

  const LoaderOptions& options_;
  const GraphRequest& request_;
  Prepared prepared_;
  const OnGraphProgress& progress_;
  const sys::StopFlag* stop_;
  QueryApi api_;
  Versions versions_;
  Overlay overlay_;
  GraphOutcome outcome_;
  std::string token_;
};

class Neo4jLoader final : public app::GraphLoader {
 public:
  explicit Neo4jLoader(LoaderOptions options) : options_(std::move(options)) {}

  Result<GraphOutcome> check(const GraphRequest& request) override {
    TG_TRY(auto prepared, prepare(request, options_.limits));
    return judged(std::move(prepared));
  }

  Result<GraphOutcome> load(const GraphRequest& request, const OnGraphProgress& on_progress,
                            const sys::StopFlag* stop) override {
    if (request.load.empty()) {
      return fail(Errc::kInvalid, "graph " + request.name + ": the load has no id");
    }
    TG_TRY(auto prepared, prepare(request, options_.limits));
    auto outcome = Load(options_, request, std::move(prepared), on_progress, stop).run();
    if (!outcome) return with_context("graph " + request.name, std::move(outcome).error());
    return outcome;
  }

  Result<GraphOutcome> roll_back(const app::GraphServer& server, const std::string& name,
                                 const std::string& to) override {
    auto outcome = move_back(server, name, to);
    if (!outcome) return with_context("graph " + name, std::move(outcome).error());
    return outcome;
  }

  Result<std::vector<app::GraphVersionInfo>> versions(const app::GraphServer& server,
                                                      const std::string& name) override {
    QueryApi api(endpoint_of(server), options_.query);
    TG_TRY(const auto rows, Versions(api, name).list());
    std::vector<app::GraphVersionInfo> result;
    for (const auto& row : rows) {
      app::GraphVersionInfo info;
      info.version = row.id;
      info.sha256 = row.sha256;
      info.commit = row.commit;
      info.nodes = static_cast<std::uint64_t>(row.nodes);
      info.edges = static_cast<std::uint64_t>(row.edges);
      info.live = row.live;
      info.state = row.state;
      info.data_uri = row.data_uri;
      info.created_at = Instant{Millis{row.created_ms}};
      result.push_back(std::move(info));
    }
    return result;
  }

 private:
  Result<GraphOutcome> move_back(const app::GraphServer& server, const std::string& name,
                                 const std::string& to) {
    QueryApi api(endpoint_of(server), options_.query);
    Versions versions(api, name);
    TG_TRY(const auto rows, versions.list());
    const auto* live = find_live(rows);
    if (live == nullptr) return fail(Errc::kNotFound, "nothing is live");
    const bool done = to.empty() ? !live->rolled_back_from.empty() : to == live->id;
    if (done) {
      auto outcome = outcome_of(*live);
      outcome.live = true;
      outcome.previous = live->rolled_back_from.empty() ? live->previous : live->rolled_back_from;
      return outcome;
    }
    const std::string target = to.empty() ? live->previous : to;
    if (target.empty()) return fail(Errc::kNotFound, "there is no version before " + live->id);
    const auto* row = find(rows, target);
    if (row == nullptr) return fail(Errc::kNotFound, "there is no version " + printable(target));
    const auto move = row->created_ms < live->created_ms ? Versions::Move::kBack : Versions::Move::kForward;
    TG_CHECK(versions.swap(target, live->id, move));
    auto outcome = outcome_of(*row);
    outcome.live = true;
    outcome.previous = live->id;
    TG_TRY(const auto vanished, Overlay(api, name).vanished(target));
    outcome.notes = notes_of(vanished);
    return outcome;
  }

  LoaderOptions options_;
};

}  // namespace

std::unique_ptr<app::GraphLoader> make_loader(LoaderOptions options) {
  if (!options.query.wait) options.query.wait = [](Millis millis) { std::this_thread::sleep_for(millis); };
  return std::make_unique<Neo4jLoader>(std::move(options));
}

}  // namespace tidegate::neo4j
