// Any bytes as a text with $[[ … ]], as a function of a block, as an input's value and as a header: nothing
// may crash, hang or grow without end, and what is refused must say why.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/interpolate.h"
#include "config/load.h"

namespace {

using namespace tidegate::config;

constexpr std::size_t kMaxValue = 1024 * 1024;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_blocks(std::string_view text) {
  std::size_t at = 0;
  for (const InterpolationBlock& block : find_blocks(text)) {
    require(block.begin >= at && block.end <= text.size(), "blocks follow each other inside the text");
    const std::string_view whole = text.substr(block.begin, block.end - block.begin);
    require(whole.starts_with("$[[") && whole.ends_with("]]"), "a block has its brackets");
    require(block.data.size() >= 2, "a block holds something");
    require(whole.find(block.data) != std::string_view::npos, "the data stands in the block");
    at = block.end;
  }
}

void check_interpolation(const std::string& text) {
  const auto node = [](std::string value) {
    return yaml::make_scalar(yaml::Kind::kString, std::move(value), {});
  };
  InterpolationContext context;
  context.inputs = {{"s", node("a 'b' $C ä")},
                    {"n", yaml::make_scalar(yaml::Kind::kInt, "12", {})},
                    {"a", yaml::make_list({node("x"), node("y")}, {})},
                    {"long", node(std::string(5000, 'x'))}};
  const yaml::NodePtr content = yaml::make_map(
      {{.key = text, .mark = {}, .value = yaml::make_list({node(text), node("k"), node(text)}, {})}}, {});
  Findings out;
  Budget budget;
  const yaml::NodePtr done = interpolate(content, context, {}, budget, out);
  require(done->is_map() && done->entries.size() == 1, "the tree keeps its shape");
  for (const yaml::NodePtr& item : done->entries[0].value->items)
    require(item->text.size() <= kMaxValue + text.size(), "values stay within their limit");
  for (const auto& [name, value] : context.inputs) {
    const auto result = apply_function(text, value, {});
    require(result.has_value() || !result.error().message.empty(), "a refused function says why");
  }
}

void check_inputs(const std::string& text) {
  Sources sources;
  sources.inputs = {text_input("s", text), text_input("n", text), text_input("b", text),
                    text_input("a", text)};
  const Loaded loaded = load(
      "spec: {inputs: {s: , n: {type: number}, b: {type: boolean}, a: {type: array}}}\n---\n"
      "j: {script: ['$[[ inputs.s ]]', '$[[ inputs.a ]]']}\n",
      "f", sources);
  require(loaded.definition.has_value() != has_errors(loaded.diagnostics), "values, or errors that say why");
  sources.inputs = {text_input("s", "x")};
  const Loaded header =
      load("spec:\n" + text + "\n---\nj: {script: '$[[ inputs.s ]] $[[ inputs.a[0] ]]'}\n", "f", sources);
  require(header.definition.has_value() != has_errors(header.diagnostics),
          "a header, or errors that say why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_blocks(text);
  check_interpolation(text);
  check_inputs(text);
  return 0;
}
