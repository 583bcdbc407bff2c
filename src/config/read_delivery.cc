// environment, release, pages: what becomes of a job's work outside of the pipeline.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "base/time.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxUrl = 255;

constexpr auto kActions = std::to_array<Keyword>({{"start"}, {"stop"}, {"prepare"}, {"verify"}, {"access"}});
constexpr auto kTiers =
    std::to_array<Keyword>({{"production"}, {"staging"}, {"testing"}, {"development"}, {"other"}});
constexpr auto kKubernetesKeywords = std::to_array<Keyword>(
    {{"namespace"}, {"agent"}, {"flux_resource_path"}, {"managed_resources"}, {"dashboard"}});
constexpr auto kManaged = std::to_array<Keyword>({{"enabled"}});
constexpr auto kDashboard = std::to_array<Keyword>({{"namespace"}, {"flux_resource_path"}});
constexpr auto kLinkTypes = std::to_array<Keyword>({{"other"}, {"runbook"}, {"image"}, {"package"}});

bool has_variable(std::string_view text) {
  return text.find('$') != std::string_view::npos;
}

/// Source: environment_name_regex of GitLab. Variables are not yet expanded.
void check_environment_name(const Value& value, const std::string& name) {
  if (name.empty()) return value.error("missing-keyword", "name can't be blank");
  if (name.size() > 255) value.error("invalid-value", "name is too long (maximum is 255 characters)");
  if (!only_of(name, "-_/\\${}. ") || name.starts_with('/') || name.ends_with('/'))
    value.error(
        "invalid-value",
        "name can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot "
        "start or end with '/'");
}

/// A duration, "never", or a text with variables that is known when the job runs.
std::string read_auto_stop(const Value& value) {
  const bool later =
      value.node().is_string() && (value.node().text == "never" || has_variable(value.node().text));
  if (!later) read_duration(value, kNoLimit);
  return value.node().text;
}

/// Source: GitLab, entry/kubernetes.rb. It has no effect here, but a fault in it should not wait for GitLab.
void check_kubernetes(const Value& value) {
  if (!check_map(value, kKubernetesKeywords)) return;
  for (const std::string_view key : {"namespace", "agent", "flux_resource_path"})
    if (const auto text = value.find(key)) read_string(*text);
  const auto managed = value.find("managed_resources");
  if (managed && check_map(*managed, kManaged))
    if (const auto enabled = managed->find("enabled")) read_bool(*enabled);
  const auto dashboard = value.find("dashboard");
  if (dashboard && check_map(*dashboard, kDashboard))
    for (const std::string_view key : {"namespace", "flux_resource_path"})
      if (const auto text = dashboard->find(key)) read_string(*text);
  const bool flux = value.find("flux_resource_path").has_value();
  if ((flux || dashboard || managed) && !value.find("agent"))
    value.error("missing-keyword", "agent can't be blank");
  if (flux && !value.find("namespace")) value.error("missing-keyword", "namespace can't be blank");
}

void read_environment_hash(const Value& value, Environment& environment) {
  check_map(value, environment_keywords());
  if (const auto name = value.find("name")) environment.name = read_string(*name).value_or("unknown");
  if (const auto url = value.find("url")) environment.url = read_string(*url).value_or("");
  if (const auto stop = value.find("on_stop")) environment.on_stop = read_string(*stop).value_or("");
  if (const auto action = value.find("action"))
    environment.action = read_word(*action, kActions).value_or("");
  if (const auto tier = value.find("deployment_tier"))
    environment.deployment_tier = read_word(*tier, kTiers).value_or("");
  if (const auto kubernetes = value.find("kubernetes")) check_kubernetes(*kubernetes);
  if (const auto stop_in = value.find("auto_stop_in")) environment.auto_stop_in = read_auto_stop(*stop_in);
}

ReleaseLink read_release_link(const Value& value) {
  ReleaseLink link;
  if (!check_map(value, release_link_keywords())) return link;
  const auto text = [&](std::string_view key, std::string& out, bool required) {
    const auto found = value.find(key);
    if (found) out = read_string(*found).value_or("");
    if (required && (!found || (found->node().is_string() && trim(out).empty()))) {
      value.error("missing-keyword", fmt::format("{} can't be blank", key));
    }
  };
  text("name", link.name, true);
  text("url", link.url, true);
  text("filepath", link.filepath, false);
  text("direct_asset_path", link.filepath, false);
  const bool web = link.url.starts_with("https://") || link.url.starts_with("http://");
  if (!link.url.empty() && !web && !has_variable(link.url))
    value.error("invalid-value", "url should be an address that begins with https:// or http://");
  if (const auto type = value.find("link_type")) link.type = read_word(*type, kLinkTypes).value_or("");
  return link;
}

void read_release_assets(const Value& value, Release& release) {
  if (!check_map(value, release_assets_keywords())) return;
  const auto links = value.find("links");
  if (!links) return value.error("missing-keyword", "links can't be blank");
  if (links->node().is_list() && links->node().items.empty())
    return value.error("missing-keyword", "links can't be blank");
  if (!links->node().is_list()) return links->error("invalid-type", "should be an array of hashes");
  for (const yaml::NodePtr& item : links->node().items)
    release.links.push_back(read_release_link(links->child(*item, "link")));
}

void check_release(const Value& value, const Release& release) {
  if (release.tag_name.empty() && !value.findings().has_holes())
    value.error("missing-keyword", "tag name can't be blank", "Write `tag_name: $CI_COMMIT_TAG`.");
  if (release.description.empty() && !value.findings().has_holes())
    value.error("missing-keyword", "description can't be blank");
  const std::string& date = release.released_at;
  if (!date.empty() && !has_variable(date) && !parse_iso8601(date))
    value.error("invalid-value", "released at must be a valid datetime",
                "Write it as \"2021-03-15T08:00:00Z\".");
  if (release.ref.find_first_of(" ~^:?*[\\") != std::string::npos && !has_variable(release.ref))
    value.error("invalid-value", "ref must be a valid ref");
}

}  // namespace

std::optional<Environment> read_environment(const Value& value) {
  Environment environment;
  if (value.node().is_string()) {
    environment.name = value.node().text;
  } else if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash or a string");
    return std::nullopt;
  } else {
    read_environment_hash(value, environment);
  }
  check_environment_name(value, environment.name);
  if (environment.url.size() > kMaxUrl)
    value.error("invalid-value", "url is too long (maximum is 255 characters)");
  return environment;
}

std::optional<Release> read_release(const Value& value) {
  if (!check_map(value, release_keywords())) return std::nullopt;
  Release release;
  const auto text = [&](std::string_view key, std::string& out) {
    if (const auto found = value.find(key)) out = read_string(*found).value_or("");
  };
  text("tag_name", release.tag_name);
  text("tag_message", release.tag_message);
  text("name", release.name);
  text("description", release.description);
  text("ref", release.ref);
  text("released_at", release.released_at);
  if (const auto milestones = value.find("milestones"))
    release.milestones = read_string_or_strings(*milestones).value_or(std::vector<std::string>());
  if (const auto assets = value.find("assets")) read_release_assets(*assets, release);
  check_release(value, release);
  return release;
}

std::string read_pages(const Value& value) {
  constexpr const char* kPublic = "public";
  if (value.node().kind == yaml::Kind::kBool) return value.node().text == "true" ? kPublic : "";
  if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash or a boolean value");
    return "";
  }
  check_map(value, pages_keywords());
  if (const auto prefix = value.find("path_prefix")) read_string(*prefix);
  if (const auto expiry = value.find("expire_in"); expiry && expiry->node().text != "never")
    read_duration(*expiry, kNoLimit);
  const auto publish = value.find("publish");
  return publish ? read_string(*publish).value_or(kPublic) : kPublic;
}

}  // namespace tidegate::config
