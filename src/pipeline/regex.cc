#include "pipeline/regex.h"

#include <string>
#include <utility>
#include <vector>

#include <re2/re2.h>

#include "base/text.h"

namespace tidegate::pipeline {

/// Of a pattern in slashes, which may come from a variable; a longer one is plain text.
constexpr std::size_t kMaxPattern = 32U << 10U;

struct Regex::Impl {
  explicit Impl(std::string_view pattern, const RE2::Options& options)
      : re(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 re;
};

Result<Regex> Regex::compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto impl = std::make_shared<const Impl>(pattern, options);
  if (!impl->re.ok()) return fail(Errc::kInvalid, "invalid regular expression: " + impl->re.error());
  return Regex(std::move(impl));
}

Result<Regex> Regex::from_slashes(std::string_view text) {
  const auto not_one = [] { return fail(Errc::kInvalid, "not of the form /pattern/flags"); };
  const std::size_t last = text.rfind('/');
  if (text.size() < 2 || text.front() != '/' || last == 0) return not_one();
  const std::string_view flags = text.substr(last + 1);
  if (flags.find_first_not_of("ismU") != std::string_view::npos) return not_one();
  if (text.find('\n') != std::string_view::npos || text.size() > kMaxPattern) return not_one();
  std::string pattern = replace_all(std::string(text.substr(1, last - 1)), "\\/", "/");
  if (!flags.empty()) pattern = "(?" + std::string(flags) + ")" + pattern;
  return compile(pattern);
}

bool Regex::search(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

std::optional<std::size_t> Regex::match_prefix(std::string_view text) const {
  const re2::StringPiece input(text.data(), text.size());
  re2::StringPiece found;
  if (!impl_->re.Match(input, 0, input.size(), RE2::ANCHOR_START, &found, 1)) return std::nullopt;
  return found.size();
}

std::optional<std::string_view> Regex::last_match(std::string_view text) const {
  const re2::StringPiece input(text.data(), text.size());
  const int groups = impl_->re.NumberOfCapturingGroups();
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups) + 1);
  std::optional<std::string_view> last;
  std::size_t from = 0;
  while (from <= text.size() &&
         impl_->re.Match(input, from, input.size(), RE2::UNANCHORED, found.data(), groups + 1)) {
    const re2::StringPiece& group = found.back();
    last = group.data() == nullptr ? std::string_view() : std::string_view(group.data(), group.size());
    const auto end = static_cast<std::size_t>(found.front().data() - text.data()) + found.front().size();
    from = end + (found.front().empty() ? 1U : 0U);
  }
  return last;
}

}  // namespace tidegate::pipeline
