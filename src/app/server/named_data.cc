// Which data a commit names: in its files, or in variables of the pipeline.
#include <algorithm>

#include "app/server/pipelines.h"
#include "config/project_file.h"
#include "dataset/binding.h"

namespace tidegate::app {
namespace {

// What a variable of the pipeline names; nothing when there is no such data yet.
std::optional<std::string> address_in(const std::string& variable, const std::string& source,
                                      const pipeline::JobVariables& given, const Addresses& addresses) {
  const auto named = std::ranges::find(given, variable, &pipeline::JobVariable::key);
  if (named != given.end()) return named->value;
  const auto known = addresses.find(source);
  return known == addresses.end() ? std::nullopt : std::optional(known->second);
}

std::optional<std::string> address_in(GitRepository& repository, const std::string& sha,
                                      const config::Binding& place) {
  const auto content = repository.read_file(sha, place.file);
  if (!content || !*content) return std::nullopt;
  auto bound = dataset::read_binding({place.file, place.name, place.marker}, **content);
  return bound ? std::optional(*std::move(bound)) : std::nullopt;
}

}  // namespace

std::vector<NamedData> named_data(GitRepository& repository, const std::string& sha,
                                  const config::ProjectFile& file, const pipeline::JobVariables& given,
                                  const Addresses& addresses) {
  std::vector<NamedData> out;
  for (const config::DataSource& source : file.data) {
    if (source.bind.empty()) continue;
    const bool is_set = !source.manifest.empty() || !source.marker.empty();
    // What a file says goes before what a variable does: it is in the commit.
    const auto in_file = std::ranges::find_if(source.bind, &std::string::empty, &config::Binding::variable);
    std::optional<std::string> uri;
    if (in_file != source.bind.end()) uri = address_in(repository, sha, *in_file);
    for (const config::Binding& place : source.bind) {
      if (place.variable.empty()) continue;
      if (!uri) uri = address_in(place.variable, source.name, given, addresses);
      if (uri) out.push_back({source.name, *uri, is_set, place.variable});
    }
    const bool in_variable = !out.empty() && out.back().source == source.name;
    if (uri && !in_variable) out.push_back({source.name, *uri, is_set, ""});
  }
  return out;
}

}  // namespace tidegate::app
