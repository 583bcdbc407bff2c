#include "release/release_id.h"

#include <algorithm>

#include "base/text.h"

namespace tidegate::release {
namespace {

constexpr std::string_view kReleases = "releases/";

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool made_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text,
                             [&](char c) { return is_alnum(c) || more.find(c) != std::string_view::npos; });
}

bool is_path(std::string_view text) {
  if (text.empty() || text.size() > 200 || !made_of(text, "/._+@-")) return false;
  return std::ranges::none_of(split(text, '/'),
                              [](const auto& part) { return part == ".." || part.starts_with('-'); });
}

}  // namespace

std::string make_release_id(Instant when, std::string_view commit, std::string_view digest) {
  const auto hex = digest.substr(std::min(digest.find(':') + 1, digest.size()));
  return format_compact(when) + "-" + std::string(commit.substr(0, 12)) + "-" +
         std::string(hex.substr(0, 12));
}

bool is_release_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alnum(text.front()) && made_of(text, "-");
}

bool is_member_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alnum(text.front()) && made_of(text, "._-") &&
         text != "state" && text != "shared";
}

bool is_target_path(std::string_view text) {
  return text.size() > 1 && text.starts_with('/') && is_path(text);
}

bool is_relative_file(std::string_view text) {
  return !text.starts_with('/') && !text.ends_with('/') && is_path(text);
}

std::string Layout::link_to(std::string_view release) {
  return release.empty() ? std::string() : std::string(kReleases) + std::string(release);
}

std::string Layout::release_of(std::string_view link) {
  if (!link.starts_with(kReleases) || !is_release_id(link.substr(kReleases.size()))) return {};
  return std::string(link.substr(kReleases.size()));
}

}  // namespace tidegate::release
