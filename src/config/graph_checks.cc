#include "config/graph_checks.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/keywords.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

constexpr auto kGraphChecks = std::to_array<Keyword>({
    {"max_elements"},
    {"grade_bands"},
    {"subject"},
    {"standard"},
    {"embedding"},
    {"skip"},
});
constexpr std::array<std::string_view, 4> kSkippable{"duplicate_code", "grade_order", "unreachable",
                                                     "embedding"};
constexpr std::int64_t kMostElements = 5'000'000;
constexpr std::int64_t kHighestGrade = 20;

std::optional<std::vector<int>> read_bands(const Value& parent) {
  const auto value = parent.find("grade_bands");
  if (!value) return std::nullopt;
  if (!value->node().is_list()) {
    value->error("invalid-type", "should be an array of grades");
    return std::nullopt;
  }
  std::vector<int> bands;
  for (const yaml::NodePtr& item : value->node().items) {
    const auto grade = read_integer(value->child(*item, "grade"), 0, kHighestGrade);
    if (!grade) return std::nullopt;
    bands.push_back(static_cast<int>(*grade));
  }
  if (bands.empty() || !std::ranges::is_sorted(bands, std::ranges::less_equal{})) {
    value->error("invalid-value", "should be rising grades, each the highest of its band");
    return std::nullopt;
  }
  return bands;
}

std::optional<std::string> read_word(const Value& parent, std::string_view keyword) {
  const auto value = parent.find(keyword);
  if (!value) return std::nullopt;
  auto text = read_string(*value);
  if (text && text->empty()) value->error("invalid-value", "can't be blank");
  return text;
}

std::vector<std::string> read_skip(const Value& parent) {
  const auto value = parent.find("skip");
  if (!value) return {};
  auto names = read_string_or_strings(*value).value_or(std::vector<std::string>());
  for (const auto& name : names) {
    if (std::ranges::find(kSkippable, name) != kSkippable.end()) continue;
    const auto near = nearest(name, {kSkippable.begin(), kSkippable.end()});
    value->error("invalid-value", fmt::format("names no check that can be left out: {}", printable(name)),
                 near ? fmt::format("Did you mean {}?", *near)
                      : "There are duplicate_code, grade_order, unreachable and embedding.");
  }
  return names;
}

}  // namespace

GraphChecks read_graph_checks(const Value& value) {
  GraphChecks checks;
  if (!check_map(value, kGraphChecks)) return checks;
  if (const auto most = value.find("max_elements"))
    checks.max_elements = read_integer(*most, 1, kMostElements);
  checks.grade_bands = read_bands(value);
  checks.subject = read_word(value, "subject");
  checks.standard = read_word(value, "standard");
  checks.embedding = read_word(value, "embedding");
  checks.skip = read_skip(value);
  return checks;
}

}  // namespace tidegate::config
