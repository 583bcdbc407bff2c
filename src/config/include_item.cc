#include "config/include_item.h"

#include <array>

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"
#include "config/read_parts.h"
#include "config/value.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kIntegrity = "sha256-";
constexpr std::size_t kSha256Bytes = 32;

struct Subkey {
  std::string_view name;
  IncludeKind kind;
};
constexpr auto kSubkeys = std::to_array<Subkey>({
    {"local", IncludeKind::kLocal},
    {"project", IncludeKind::kProject},
    {"remote", IncludeKind::kRemote},
    {"template", IncludeKind::kTemplate},
    {"artifact", IncludeKind::kArtifact},
    {"component", IncludeKind::kComponent},
});

class ItemReader {
 public:
  ItemReader(const yaml::Node& entry, IncludePlace place, Findings& out)
      : value_(entry, "include", out), place_(place), out_(out) {}

  std::vector<IncludeItem> run();

 private:
  const Subkey* which();
  bool read_location(const Subkey& subkey, IncludeItem& item);
  bool read_text(std::string_view key, std::string& into);
  bool read_extras(const Subkey& subkey, IncludeItem& item);
  bool read_integrity(const Subkey& subkey, IncludeItem& item);
  std::vector<IncludeItem> one_for_each_file(const IncludeItem& item);
  void refuse(std::string code, const yaml::Mark& mark, std::string message, std::string hint = {}) {
    out_.error(std::move(code), mark, std::move(message), std::move(hint));
    out_.set_incomplete();
  }

  Value value_;
  IncludePlace place_;
  Findings& out_;
};

const Subkey* ItemReader::which() {
  const Subkey* found = nullptr;
  for (const Subkey& subkey : kSubkeys) {
    if (!value_.find(subkey.name)) continue;
    if (found != nullptr) {
      refuse("invalid-include", value_.node().mark,
             fmt::format("Each include must use only one of: `{}` and `{}` stand here", found->name,
                         subkey.name),
             "Write one entry for each.");
      return nullptr;
    }
    found = &subkey;
  }
  if (found == nullptr)
    refuse("invalid-include", value_.node().mark, "This include does not have a valid subkey for include",
           "Write `local: path/to/file.yml`, or project and file, remote, template, component.");
  return found;
}

bool ItemReader::read_text(std::string_view key, std::string& into) {
  const auto value = value_.find(key);
  if (!value) return true;
  if (value->node().is_string() && !value->node().text.empty()) {
    into = value->node().text;
    return true;
  }
  refuse("invalid-type", value->node().mark, fmt::format("include:{} config should be a string", key));
  return false;
}

bool ItemReader::read_location(const Subkey& subkey, IncludeItem& item) {
  item.kind = subkey.kind;
  item.mark = value_.find(subkey.name)->node().mark;
  if (subkey.kind == IncludeKind::kProject)
    return read_text("project", item.project) && read_text("ref", item.ref);
  if (!read_text(subkey.name, item.location)) return false;
  if (subkey.kind != IncludeKind::kArtifact) return true;
  if (!read_text("job", item.job)) return false;
  if (!item.job.empty()) return true;
  refuse("invalid-include", item.mark, "include must specify the job where to fetch the artifact from");
  return false;
}

bool ItemReader::read_integrity(const Subkey& subkey, IncludeItem& item) {
  if (!read_text("integrity", item.integrity)) return false;
  if (item.integrity.empty()) return true;
  const yaml::Mark& mark = value_.find("integrity")->node().mark;
  if (subkey.kind != IncludeKind::kRemote) {
    refuse("invalid-include", mark, "include:integrity can only be specified for remote includes");
    return false;
  }
  const bool named = item.integrity.starts_with(kIntegrity);
  const auto digest = named ? base64_decode(item.integrity.substr(kIntegrity.size())) : std::nullopt;
  if (digest && digest->size() == kSha256Bytes) return true;
  refuse("invalid-include", mark, "include:integrity must be 'sha256-' and the base64 of a SHA-256 digest",
         "openssl dgst -sha256 -binary FILE | base64");
  return false;
}

bool ItemReader::read_extras(const Subkey& subkey, IncludeItem& item) {
  if (const auto rules = value_.find("rules")) {
    item.rules = read_include_rules(*rules);
    if (!item.rules) {
      out_.set_incomplete();
      return false;
    }
  }
  if (const yaml::Entry* inputs = value_.node().find_entry("inputs")) item.inputs = inputs->value;
  const auto cache = value_.find("cache");
  if (cache && subkey.kind != IncludeKind::kRemote) {
    refuse("invalid-include", cache->node().mark, "include:cache can only be specified for remote includes");
    return false;
  }
  return read_integrity(subkey, item);
}

std::vector<IncludeItem> ItemReader::one_for_each_file(const IncludeItem& item) {
  const auto file = value_.find("file");
  const auto files = file ? read_string_or_strings(*file) : std::vector<std::string>();
  if (!files || files->empty()) {
    if (!file || files)
      refuse("invalid-include", value_.node().mark,
             "include must specify the file where to fetch the config from", "Add `file: path/to/file.yml`.");
    out_.set_incomplete();
    return {};
  }
  std::vector<IncludeItem> items;
  for (std::size_t i = 0; i < files->size(); ++i) {
    items.push_back(item);
    items.back().location = (*files)[i];
    items.back().mark = file->node().is_list() ? file->node().items[i]->mark : file->node().mark;
  }
  return items;
}

std::vector<IncludeItem> ItemReader::run() {
  const std::size_t before = out_.count();
  check_map(value_, place_ == IncludePlace::kSpec ? spec_include_keywords() : include_keywords());
  if (out_.count() != before) {
    out_.set_incomplete();
    return {};
  }
  const Subkey* subkey = which();
  IncludeItem item;
  if (subkey == nullptr || !read_location(*subkey, item) || !read_extras(*subkey, item)) return {};
  if (item.kind == IncludeKind::kProject) return one_for_each_file(item);
  return {std::move(item)};
}

}  // namespace

std::vector<IncludeItem> read_include(const yaml::Node& entry, IncludePlace place, Findings& out) {
  if (entry.is_map()) return ItemReader(entry, place, out).run();
  if (entry.is_string() && !entry.text.empty()) {
    IncludeItem item;
    item.location = entry.text;
    item.mark = entry.mark;
    return {std::move(item)};
  }
  out.error("invalid-type", entry.mark, "include config should be a string, a hash or an array of those");
  out.set_incomplete();
  return {};
}

bool include_path_matches(std::string_view pattern, std::string_view path) {
  struct Back {
    std::size_t pattern = std::string_view::npos;
    std::size_t path = 0;
  };
  Back one;
  Back two;
  std::size_t p = 0;
  std::size_t s = 0;
  while (true) {
    if (pattern.substr(p).starts_with("**")) {
      p += 2;
      two = {.pattern = p, .path = s};
      one = {};
    } else if (p < pattern.size() && pattern[p] == '*') {
      one = {.pattern = ++p, .path = s};
    } else if (p < pattern.size() && s < path.size() && pattern[p] == path[s]) {
      ++p;
      ++s;
    } else if (p == pattern.size() && s == path.size()) {
      return true;
    } else if (one.pattern != std::string_view::npos && one.path < path.size() && path[one.path] != '/') {
      s = ++one.path;
      p = one.pattern;
    } else if (two.pattern != std::string_view::npos && two.path < path.size()) {
      s = ++two.path;
      p = two.pattern;
      one = {};
    } else {
      return false;
    }
  }
}

bool has_integrity(std::string_view content, std::string_view integrity) {
  const auto wanted = base64_decode(integrity.substr(std::min(kIntegrity.size(), integrity.size())));
  return wanted && from_hex(sha256_hex(content)) == wanted;
}

}  // namespace tidegate::config
