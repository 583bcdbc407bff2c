// Projects, tokens, variables, refs.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

app::Project read_project(const Row& row) {
  app::Project project;
  row.id(0, project.id);
  project.path = row.text(1);
  project.default_branch = row.text(2);
  project.created_at = row.instant(3);
  return project;
}

app::TokenKind parse_token_kind(const std::string& text) {
  if (text == "admin") return app::TokenKind::kAdmin;
  if (text == "trigger") return app::TokenKind::kTrigger;
  if (text == "hook") return app::TokenKind::kHook;
  return app::TokenKind::kProject;
}

app::Token read_token(const Row& row) {
  app::Token token;
  token.id = row.integer(0);
  token.kind = parse_token_kind(row.text(1));
  row.id(2, token.project);
  token.name = row.text(3);
  token.sha256 = row.text(4);
  token.created_at = row.instant(5);
  token.source = row.text(6);
  return token;
}

constexpr std::string_view kProject = "SELECT id, path, default_branch, created_at FROM projects ";
constexpr std::string_view kToken =
    "SELECT id, kind, project, name, sha256, created_at, source, sealed_key FROM tokens ";

std::string sql(std::string_view head, std::string_view tail) {
  return std::string(head) + std::string(tail);
}

}  // namespace

Result<app::Project> SqliteStore::add_project(const std::string& path, const std::string& default_branch,
                                              Instant now) {
  TG_TRY(const auto existing, project_by_path(path));
  if (existing) return fail(Errc::kConflict, "project " + path + " exists already");
  TG_CHECK(db_.run("INSERT INTO projects(path, default_branch, created_at) VALUES(?,?,?)",
                   {path, default_branch, now}));
  return app::Project{ProjectId{db_.last_insert_id()}, path, default_branch, now};
}

Result<std::vector<app::Project>> SqliteStore::projects() {
  return all<app::Project>(sql(kProject, "ORDER BY id"), {}, read_project);
}
Result<std::optional<app::Project>> SqliteStore::project(ProjectId id) {
  return first<app::Project>(sql(kProject, "WHERE id=?"), {id}, read_project);
}
Result<std::optional<app::Project>> SqliteStore::project_by_path(const std::string& path) {
  return first<app::Project>(sql(kProject, "WHERE path=?"), {path}, read_project);
}

Result<std::int64_t> SqliteStore::add_token(const app::Token& token) {
  TG_CHECK(db_.run(
      "INSERT INTO tokens(kind, project, name, sha256, created_at, source, sealed_key) VALUES(?,?,?,?,?,?,?)",
      {app::to_string(token.kind), token.project, token.name, token.sha256, token.created_at, token.source,
       token.key.empty() ? std::string() : vault_.seal(token.key.reveal())}));
  return db_.last_insert_id();
}
Result<std::optional<app::Token>> SqliteStore::token_by_hash(const std::string& sha256) {
  std::string sealed;
  TG_TRY(auto token, first<app::Token>(sql(kToken, "WHERE sha256=?"), {sha256}, [&](const Row& row) {
           sealed = row.text(7);
           return read_token(row);
         }));
  if (token && !sealed.empty()) {
    TG_TRY(auto key, vault_.unseal(sealed));
    token->key = Secret(std::move(key));
  }
  return token;
}
Result<std::vector<app::Token>> SqliteStore::tokens(ProjectId project) {
  return all<app::Token>(sql(kToken, "WHERE project=? ORDER BY id"), {project}, read_token);
}

Status SqliteStore::remove_token(ProjectId project, std::int64_t id) {
  TG_CHECK(db_.run("DELETE FROM tokens WHERE project=? AND id=?", {project, id}));
  if (db_.changes() == 0) return fail(Errc::kNotFound, "the project has no token " + std::to_string(id));
  return {};
}

Status SqliteStore::set_variable(ProjectId project, const app::ProjectVariable& v) {
  return db_.run(
      "INSERT OR REPLACE INTO variables(project, key, sealed_value, masked, protected, raw, file)"
      " VALUES(?,?,?,?,?,?,?)",
      {project, v.key, vault_.seal(v.value), v.masked, v.is_protected, v.raw, v.file});
}
Status SqliteStore::remove_variable(ProjectId project, const std::string& key) {
  TG_CHECK(db_.run("DELETE FROM variables WHERE project=? AND key=?", {project, key}));
  if (db_.changes() == 0) return fail(Errc::kNotFound, "no such variable: " + key);
  return {};
}
Result<std::vector<app::ProjectVariable>> SqliteStore::variables(ProjectId project) {
  std::vector<app::ProjectVariable> out;
  Status unsealed;
  TG_CHECK(db_.query(
      "SELECT key, sealed_value, masked, protected, raw, file FROM variables WHERE project=? ORDER BY key",
      {project}, [&](const Row& row) {
        auto value = vault_.unseal(row.text(1));
        if (!value) {
          unsealed = value.error();
          return;
        }
        out.push_back({row.text(0), *value, row.boolean(2), row.boolean(3), row.boolean(4), row.boolean(5)});
      }));
  TG_CHECK(unsealed);
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> SqliteStore::known_refs(ProjectId project) {
  using Ref = std::pair<std::string, std::string>;
  return all<Ref>("SELECT ref, sha FROM known_refs WHERE project=? ORDER BY ref", {project},
                  [](const Row& row) { return Ref{row.text(0), row.text(1)}; });
}
Status SqliteStore::set_known_ref(ProjectId project, const std::string& ref, const std::string& sha) {
  if (sha.empty()) return db_.run("DELETE FROM known_refs WHERE project=? AND ref=?", {project, ref});
  return db_.run("INSERT OR REPLACE INTO known_refs(project, ref, sha) VALUES(?,?,?)", {project, ref, sha});
}

}  // namespace tidegate::sqlite
