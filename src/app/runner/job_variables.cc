#include "app/runner/job_variables.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

/// Values that name each other can grow without end ("billion laughs"); past this a value stays unexpanded.
constexpr std::size_t kLargestValue = 1U << 20U;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

// The name that begins at `at` and the offset after it (after the brace, when there is one); an empty name
// when there is none.
struct Reference {
  std::string_view name;
  std::size_t end;
};
Reference reference_at(std::string_view text, std::size_t at) {
  const bool braced = at < text.size() && text[at] == '{';
  const std::size_t begin = braced ? at + 1 : at;
  std::size_t end = begin;
  if (end < text.size() && is_name_start(text[end])) {
    while (end < text.size() && is_name_part(text[end])) ++end;
  }
  const std::string_view name = text.substr(begin, end - begin);
  if (!braced) return {name, end};
  if (end < text.size() && text[end] == '}') return {name, end + 1};
  return {{}, at};
}

// Calls `value` for each reference.
template <class Lookup>
std::string expand_with(std::string_view text, const Lookup& value) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      const std::size_t next = std::min(text.find('$', at), text.size());
      out.append(text.substr(at, next - at));
      at = next;
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == '$') {
      out.push_back('$');
      at += 2;
      continue;
    }
    const Reference reference = reference_at(text, at + 1);
    if (reference.name.empty()) {
      out.push_back('$');
      ++at;
      continue;
    }
    out.append(value(reference.name));
    at = reference.end;
  }
  return out;
}

class Expander {
 public:
  explicit Expander(const std::map<std::string, const pipeline::JobVariable*>& variables,
                    std::map<std::string, std::string>& done)
      : variables_(variables), done_(done) {}

  const std::string& value_of(const std::string& key) {
    if (const auto found = done_.find(key); found != done_.end()) return found->second;
    const auto found = variables_.find(key);
    if (found == variables_.end()) return empty_;
    const std::string& raw = found->second->value;
    if (active_.size() >= kDeepest || !active_.insert(key).second) return raw;  // a long chain, or a circle
    std::size_t size = 0;
    std::string expanded = expand_with(raw, [&](std::string_view name) -> std::string {
      std::string value = value_of(std::string(name));
      size += value.size();
      return size > kLargestValue ? std::string() : value;
    });
    active_.erase(key);
    if (size > kLargestValue) expanded = raw;
    return done_.insert_or_assign(key, std::move(expanded)).first->second;
  }

 private:
  static constexpr std::size_t kDeepest = 100;
  const std::map<std::string, const pipeline::JobVariable*>& variables_;
  std::map<std::string, std::string>& done_;
  std::set<std::string> active_;
  std::string empty_;
};

// Nothing when the variable can be passed on, else why not.
std::string problem_with(const pipeline::JobVariable& variable) {
  if (variable.key.empty()) return "has no name";
  if (variable.key.find_first_of(std::string_view("=\0\n", 3)) != std::string::npos)
    return "has no usable name";
  if (variable.file && (variable.key.find('/') != std::string::npos || variable.key.front() == '.')) {
    return "has a name that cannot be a file's";
  }
  if (!variable.file && variable.value.find('\0') != std::string::npos) return "holds a NUL byte";
  return {};
}

void expand_image(pipeline::JobImage& image, const std::map<std::string, std::string>& values) {
  image.name = expand_variables(image.name, values);
  image.user = expand_variables(image.user, values);
  image.platform = expand_variables(image.platform, values);
  for (std::string& alias : image.aliases) alias = expand_variables(alias, values);
  for (auto* words : {&image.entrypoint, &image.command}) {
    if (!*words) continue;
    for (std::string& word : **words) word = expand_variables(word, values);
  }
  for (pipeline::JobVariable& variable : image.variables) {
    if (!variable.raw) variable.value = expand_variables(variable.value, values);
  }
}

}  // namespace

std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& values) {
  return expand_with(text, [&](std::string_view name) -> std::string_view {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::string_view() : std::string_view(found->second);
  });
}

ResolvedVariables resolve_variables(const pipeline::JobVariables& variables,
                                    const std::string& file_directory) {
  ResolvedVariables resolved;
  std::map<std::string, const pipeline::JobVariable*> last;
  for (const pipeline::JobVariable& variable : variables) {
    if (const std::string problem = problem_with(variable); !problem.empty()) {
      resolved.warnings.push_back(
          fmt::format("the variable \"{}\" {}; the job does not get it", printable(variable.key), problem));
      continue;
    }
    last.insert_or_assign(variable.key, &variable);
  }
  for (const auto& [key, variable] : last) {
    if (variable->file) {
      resolved.files.push_back({key, variable->value});
      resolved.environment[key] = file_directory + "/" + key;
    } else if (variable->raw) {
      resolved.environment[key] = variable->value;
    }
  }
  Expander expander(last, resolved.environment);
  for (const auto& entry : last) expander.value_of(entry.first);
  return resolved;
}

std::vector<std::string> secrets_of(const pipeline::JobMessage& message) {
  std::vector<std::string> secrets;
  for (const pipeline::JobVariable& variable : message.variables) {
    if (variable.masked) secrets.push_back(variable.value);
  }
  secrets.push_back(message.token.reveal());
  for (const pipeline::JobCredentials& credentials : message.credentials) {
    secrets.push_back(credentials.password.reveal());
  }
  for (const pipeline::JobDependency& dependency : message.dependencies) secrets.push_back(dependency.token);
  return secrets;
}

pipeline::JobMessage expand_message(pipeline::JobMessage message,
                                    const std::map<std::string, std::string>& values) {
  if (message.image) expand_image(*message.image, values);
  for (pipeline::JobImage& service : message.services) expand_image(service, values);
  for (pipeline::JobArtifacts& artifacts : message.artifacts) {
    artifacts.name = expand_variables(artifacts.name, values);
    for (std::string& path : artifacts.paths) path = expand_variables(path, values);
    for (std::string& path : artifacts.exclude) path = expand_variables(path, values);
  }
  for (pipeline::JobCache& cache : message.cache) {
    cache.key = expand_variables(cache.key, values);
    cache.policy = expand_variables(cache.policy, values);
    for (std::string& path : cache.paths) path = expand_variables(path, values);
    for (std::string& key : cache.fallback_keys) key = expand_variables(key, values);
  }
  return message;
}

}  // namespace tidegate::app
