#include "app/server/candidate_commit.h"

#include <algorithm>

#include <fmt/core.h>

#include "config/project_file.h"
#include "dataset/binding.h"

namespace tidegate::app {
namespace {

// The address goes into a trailer, percent-encoded by bound_uri: one line of plain ASCII, whatever the key
// holds.
std::string commit_message(const Version& version) {
  return fmt::format(
      "data: {} version {}\n\nTidegate-Source: {}\nTidegate-Version: {}\nTidegate-Data: "
      "{}\nTidegate-Data-SHA256: {}\n",
      version.source, version.number, version.source, version.number, version.uri, version.sha256);
}

Result<std::vector<config::Binding>> places_of(GitRepository& repository, const Version& version,
                                               const std::string& base) {
  TG_TRY(const auto text, repository.read_file(base, "tidegate.yml"));
  if (!text) return fail(Errc::kInvalid, "tidegate.yml is gone from " + version.branch);
  const auto file = config::load_project_file(*text).file;
  const auto source = std::ranges::find(file.data, version.source, &config::DataSource::name);
  if (source == file.data.end() || source->bind.empty()) {
    return fail(Errc::kInvalid, "tidegate.yml does not say where \"" + version.source + "\" is bound");
  }
  return source->bind;
}

/// A file with every address that is bound in it replaced by the same one.
std::string without_data(std::string content, const std::string& path, const config::ProjectFile& file) {
  for (const config::DataSource& source : file.data) {
    for (const config::Binding& place : source.bind) {
      if (!place.variable.empty() || place.file != path) continue;
      auto bound = dataset::bind({place.file, place.name, place.marker}, content, "file:///same");
      if (bound) content = std::move(bound->content);
    }
  }
  return content;
}

}  // namespace

std::string candidate_name(const Version& version) {
  return fmt::format("{}-{}", version.source, version.number);
}
std::string candidate_branch(const Version& version) {
  return "refs/heads/tidegate/" + candidate_name(version);
}

// The time of the commit is the version's, so that a repeated try makes the same commit.
Result<std::string> make_commit(GitRepository& repository, const Version& version, const std::string& base) {
  TG_TRY(const auto places, places_of(repository, version, base));
  NewCommit commit;
  commit.parent = base;
  for (const config::Binding& place : places) {
    if (!place.variable.empty()) continue;
    TG_TRY(const auto content, repository.read_file(base, place.file));
    const bool is_lock = place.name.empty() && place.marker.empty();
    if (!content && !is_lock)
      return fail(Errc::kInvalid,
                  place.file + ", where the data is to be bound, is not in " + version.branch);
    // A lock file is ours: it is made.
    auto bound = dataset::bind({place.file, place.name, place.marker}, content.value_or(""), version.uri);
    if (!bound) return with_context(place.file, bound.error());
    if (!content || bound->content != *content)
      commit.edits.push_back({place.file, std::move(bound->content)});
  }
  // Its address is in a variable of the pipeline: no commit, the candidate is the base itself.
  if (std::ranges::none_of(places, &std::string::empty, &config::Binding::variable)) return base;
  if (commit.edits.empty()) return fail(Errc::kConflict, "the code names this very version already");
  commit.message = commit_message(version);
  commit.author_name = "Tidegate";
  commit.author_email = "tidegate@localhost";
  commit.when = version.created_at;
  return repository.make_commit(commit);
}

Status point_ref(GitRepository& repository, const std::string& ref, const std::string& sha) {
  const auto now = repository.resolve(ref);
  if (now && *now == sha) return {};
  Status moved = repository.update_ref({ref, now ? *now : "", sha});
  // Somebody else moved it between the two calls: the next try sees where it is.
  if (!moved && moved.error().code == Errc::kConflict) return fail(Errc::kUnavailable, moved.error().message);
  return moved;
}

Status drop_branch(GitRepository& repository, const Version& version) {
  const auto now = repository.resolve(candidate_branch(version));
  if (!now) return {};
  return repository.update_ref({candidate_branch(version), *now, ""});
}

Result<bool> is_same_code(GitRepository& repository, const std::string& a, const std::string& b) {
  TG_TRY(const auto changed, repository.changed_paths(a, b));
  if (changed.empty()) return true;
  TG_TRY(const auto text, repository.read_file(b, "tidegate.yml"));
  const auto file = config::load_project_file(text.value_or("")).file;
  for (const std::string& path : changed) {
    TG_TRY(const auto before, repository.read_file(a, path));
    TG_TRY(const auto after, repository.read_file(b, path));
    if (!before || !after || without_data(*before, path, file) != without_data(*after, path, file))
      return false;
  }
  return true;
}

}  // namespace tidegate::app
