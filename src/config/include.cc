#include "config/include.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"
#include "config/document.h"
#include "config/keywords.h"
#include "config/value.h"

namespace tidegate::config {
namespace {

using yaml::Mark;
using yaml::Node;
using yaml::NodePtr;

constexpr std::size_t kMaxFiles = 150;
constexpr std::size_t kMaxBytes = 20 * 1024 * 1024;  // of all included texts together

/// `*` is anything but a slash, `**` anything. Iterative with two return points, so linear in practice and
/// quadratic at worst.
bool matches(std::string_view pattern, std::string_view path) {
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

class Includer {
 public:
  Includer(const Sources& sources, Findings& out, Budget& budget)
      : sources_(sources), out_(out), budget_(budget) {}

  NodePtr expand(const NodePtr& root, const std::string& file);

 private:
  struct Read {
    NodePtr content;
    std::size_t files = 0;  ///< this one and those below it
  };

  void add(const Node& item, NodePtr& merged);
  void add_hash(const Node& item, NodePtr& merged);
  void add_local(const std::string& written, const Mark& mark, NodePtr& merged);
  void add_file(const std::string& path, const Mark& mark, NodePtr& merged);
  bool count(std::size_t files, const Mark& mark);
  void fail(std::string code, const Mark& mark, std::string message, std::string hint = {}) {
    out_.error(std::move(code), mark, std::move(message), std::move(hint));
    out_.set_incomplete();
  }

  const Sources& sources_;
  Findings& out_;
  Budget& budget_;
  std::map<std::string, Read> done_;
  std::vector<std::string> open_;
  std::size_t files_ = 0;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

NodePtr Includer::expand(const NodePtr& root, const std::string& file) {
  const yaml::Entry* include = root->find_entry("include");
  if (include == nullptr) return root;
  open_.push_back(file);
  NodePtr merged = yaml::make_map({}, root->mark);
  if (include->value->is_list()) {
    for (const NodePtr& item : include->value->items) add(*item, merged);
  } else if (!include->value->is_null()) {
    add(*include->value, merged);
  }
  open_.pop_back();
  return deep_merge(merged, without_key(root, "include"), budget_);
}

void Includer::add(const Node& item, NodePtr& merged) {
  if (full_) return;
  if (item.is_map()) return add_hash(item, merged);
  if (!item.is_string() || item.text.empty())
    return fail("invalid-type", item.mark, "include config should be a string, a hash or an array of those");
  if (item.text.starts_with("http://") || item.text.starts_with("https://"))
    return fail("unsupported-keyword", item.mark, "`include:remote` is not supported",
                "Copy the file into the repository and include it with `local`.");
  add_local(item.text, item.mark, merged);
}

void Includer::add_hash(const Node& item, NodePtr& merged) {
  bool good = true;
  for (const yaml::Entry& entry : item.entries) {
    const Keyword* keyword = find_keyword(include_keywords(), entry.key);
    if (keyword != nullptr && keyword->support == Support::kRead) continue;
    if (keyword != nullptr && keyword->support == Support::kWarning) {
      out_.warning("unsupported-keyword", entry.mark, fmt::format("`include:{}` is not supported", entry.key),
                   std::string(keyword->hint));
      continue;
    }
    good = false;
    if (keyword == nullptr) {
      fail("unknown-keyword", entry.mark,
           fmt::format("include config contains unknown keys: {}", printable(entry.key)),
           nearest_hint(out_, include_keywords(), entry.key));
    } else {
      fail("unsupported-keyword", entry.mark, fmt::format("`include:{}` is not supported", entry.key),
           std::string(keyword->hint));
    }
  }
  if (!good) return;
  const Node* local = item.find("local");
  if (local == nullptr)
    return fail("invalid-include", item.mark, "This include does not have a valid subkey for include",
                "Write `local: path/to/file.yml`.");
  if (!local->is_string() || local->text.empty())
    return fail("invalid-type", local->mark, "include:local config should be a string");
  add_local(local->text, local->mark, merged);
}

void Includer::add_local(const std::string& written, const Mark& mark, NodePtr& merged) {
  std::string path = written;
  path.erase(0, path.find_first_not_of('/') == std::string::npos ? path.size() : path.find_first_not_of('/'));
  if (path.find('$') != std::string::npos)
    return fail("unsupported-include", mark,
                fmt::format("Variables in an include path are not supported: {}", printable(written)));
  const auto parts = split(path, '/');
  if (std::ranges::any_of(parts, [](const std::string& part) { return part == "." || part == ".."; }))
    return fail(
        "invalid-include", mark,
        fmt::format("`{}` for include:local is invalid: no `.` or `..` in the path", printable(written)),
        "Write the path from the root of the repository.");
  if (!path.ends_with(".yml") && !path.ends_with(".yaml"))
    return fail("invalid-include", mark,
                fmt::format("Included file `{}` does not have YAML extension!", printable(written)));
  if (path.find('*') == std::string::npos) return add_file(path, mark, merged);
  std::vector<std::string> found = sources_.list ? sources_.list() : std::vector<std::string>();
  std::erase_if(found, [&](const std::string& candidate) { return !matches(path, candidate); });
  std::ranges::sort(found);
  for (const std::string& one : found) add_file(one, mark, merged);
}

bool Includer::count(std::size_t files, const Mark& mark) {
  files_ += files;
  if (files_ > kMaxFiles && !full_) {
    full_ = true;
    fail("too-many-includes", mark, fmt::format("Maximum of {} nested includes are allowed!", kMaxFiles));
  }
  return !full_;
}

void Includer::add_file(const std::string& path, const Mark& mark, NodePtr& merged) {
  if (full_) return;
  if (std::ranges::find(open_, path) != open_.end())
    return fail("include-cycle", mark, fmt::format("Local file `{}` includes itself", printable(path)));
  if (const auto found = done_.find(path); found != done_.end()) {
    if (!count(found->second.files, mark)) return;
    if (found->second.content) merged = deep_merge(merged, found->second.content, budget_);
    return;
  }
  const std::size_t before = files_;
  if (!count(1, mark)) return;
  const auto text = sources_.read ? sources_.read(path) : std::nullopt;
  if (!text)
    return fail("include-not-found", mark, fmt::format("Local file `{}` does not exist!", printable(path)));
  bytes_ += text->size();
  if (bytes_ > kMaxBytes) {
    full_ = true;
    return fail("config-too-large", mark, "The included files are too large together");
  }
  out_.origins().included_at.emplace(path, mark.place());
  NodePtr content = read_document(*text, path, out_);
  if (content) {
    content = expand(content, path);
    merged = deep_merge(merged, content, budget_);
  } else {
    out_.set_incomplete();
  }
  done_.emplace(path, Read{.content = std::move(content), .files = files_ - before});
}

}  // namespace

NodePtr expand_includes(const NodePtr& root, const std::string& file, const Sources& sources, Findings& out,
                        Budget& budget) {
  NodePtr result = Includer(sources, out, budget).expand(root, file);
  if (budget.exhausted())
    out.error("config-too-large", root->mark, "The configuration is too large once its files are merged");
  return result;
}

}  // namespace tidegate::config
