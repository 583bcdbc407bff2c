#include "config/include.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"
#include "config/include_files.h"
#include "config/interpolate.h"
#include "config/value.h"

namespace tidegate::config {
namespace {

using yaml::Mark;
using yaml::Node;
using yaml::NodePtr;

constexpr std::size_t kMaxFiles = 150;
constexpr std::size_t kMaxBytes = 20 * 1024 * 1024;  // of all included texts together
constexpr std::uint32_t kMaxInputDepth = 100;        // as one file may have; inputs can nest deeper

class Includer {
 public:
  Includer(const Sources& sources, Findings& out, Budget& budget)
      : files_(sources, out), out_(out), budget_(budget) {}

  NodePtr run(const Document& document, const std::string& file, const GivenInputs& inputs);

 private:
  /// What a file is asked with: its own inputs and, for a component, what it may know of itself.
  struct Call {
    GivenInputs inputs;
    InputValues component;
    Mark where;  ///< of the include; line 0 for the configuration itself
  };
  struct Read {
    NodePtr content;
    std::size_t files = 0;  ///< this one and those below it
  };

  NodePtr content_of(const Document& document, const FilePlace& place, const Call& call);
  NodePtr with_inputs(const Document& document, const FilePlace& place, const Call& call);
  std::vector<InputSpec> declared(const Spec& spec, const FilePlace& place);
  void add_declared(const Node& entry, const FilePlace& place, std::vector<InputSpec>& specs);
  NodePtr expand(const NodePtr& content, const FilePlace& place);
  void add(const Node& entry, const FilePlace& place, NodePtr& merged);
  void add_item(const IncludeItem& item, const FilePlace& place, NodePtr& merged);
  void add_file(const IncludedFile& file, const IncludeItem& item, NodePtr& merged);
  NodePtr read_file(const IncludedFile& file, const Call& call);
  bool holds(const IncludeItem& item, const FilePlace& place);
  bool count(std::size_t files, const Mark& mark);
  bool count_bytes(std::size_t bytes, const Mark& mark);
  void fail(std::string code, const Mark& mark, std::string message, std::string hint = {}) {
    out_.error(std::move(code), mark, std::move(message), std::move(hint));
    out_.set_incomplete();
  }

  IncludeFiles files_;
  Findings& out_;
  Budget& budget_;
  std::map<std::string, Read> done_;  ///< by name and inputs
  std::vector<std::string> open_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

/// Tells calls of a file apart: its name and what it is given.
std::string key_of(const std::string& name, const GivenInputs& inputs) {
  std::string key = name;
  for (const GivenInput& input : inputs) {
    const std::string text = interpolated_text(*input.value);
    key += fmt::format("\n{}:{}={}:{}:{}", input.name.size(), input.name, yaml::to_string(input.value->kind),
                       text.size(), text);
  }
  return key;
}

NodePtr Includer::run(const Document& document, const std::string& file, const GivenInputs& inputs) {
  Call call{.inputs = inputs, .component = {}, .where = document.content->mark};
  call.where.line = 0;
  call.where.column = 0;
  open_.push_back(key_of(file, inputs));
  return content_of(document, files_.own(file), call);
}

NodePtr Includer::content_of(const Document& document, const FilePlace& place, const Call& call) {
  const NodePtr content = with_inputs(document, place, call);
  return content ? expand(content, place) : nullptr;
}

NodePtr Includer::with_inputs(const Document& document, const FilePlace& place, const Call& call) {
  if (!document.header) {
    if (!call.inputs.empty()) {
      fail("unknown-input", call.where,
           fmt::format("Given inputs not defined in the `spec` section of {}", printable(place.name)),
           "Declare them there in a header document before `---`.");
      return nullptr;
    }
    warn_of_blocks(*document.content, out_);
    return document.content;
  }
  const std::size_t before = out_.errors();
  const Spec spec = read_spec(*document.header, out_);
  const std::vector<InputSpec> specs = declared(spec, place);
  const IncludeScope& scope = files_.scope_of(place);
  auto values = resolve_inputs(specs, call.inputs, call.where, scope, out_);
  if (!values || out_.errors() != before) {
    out_.set_incomplete();
    return nullptr;
  }
  InterpolationContext context{.inputs = *std::move(values), .component = {}};
  for (const auto& [name, value] : call.component)
    if (std::ranges::find(spec.component, name) != spec.component.end())
      context.component.emplace_back(name, value);
  NodePtr content = interpolate(document.content, context, scope, budget_, out_);
  if (out_.errors() != before) out_.set_incomplete();
  if (content->depth <= kMaxInputDepth) return content;
  fail("yaml-too-deep", content->mark, "Nested too deeply once its inputs are in place");
  return nullptr;
}

/// spec:inputs and those of the files of spec:include. A name may be declared once.
std::vector<InputSpec> Includer::declared(const Spec& spec, const FilePlace& place) {
  std::vector<InputSpec> specs;
  if (spec.include && spec.include->is_list()) {
    for (const NodePtr& entry : spec.include->items) add_declared(*entry, place, specs);
  } else if (spec.include) {
    add_declared(*spec.include, place, specs);
  }
  specs.insert(specs.end(), spec.inputs.begin(), spec.inputs.end());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto earlier = specs.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find_if(specs.begin(), earlier,
                     [&](const InputSpec& one) { return one.name == specs[i].name; }) == earlier)
      continue;
    fail(
        "duplicate-input", specs[i].mark,
        fmt::format("Duplicate input keys found: {}. Input keys must be unique across all included files and "
                    "inline specifications.",
                    printable(specs[i].name)));
    break;
  }
  return specs;
}

void Includer::add_declared(const Node& entry, const FilePlace& place, std::vector<InputSpec>& specs) {
  for (const IncludeItem& item : read_include(entry, IncludePlace::kSpec, out_)) {
    for (const IncludedFile& file : files_.open(item, place)) {
      if (!count(1, item.mark) || !count_bytes(file.text.size(), item.mark)) return;
      out_.origins().included_at.emplace(file.place.name, item.mark.place());
      const auto document = read_document(file.text, file.place.name, out_);
      if (!document) continue;
      const Value root(*document->content, "header", out_);
      const auto inputs = root.find("inputs");
      if (!inputs) {
        fail("invalid-include", document->content->mark, "A file of spec:include should have `inputs`");
        continue;
      }
      auto more = read_input_specs(*inputs);
      specs.insert(specs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
  }
}

NodePtr Includer::expand(const NodePtr& content, const FilePlace& place) {
  const yaml::Entry* include = content->find_entry("include");
  if (include == nullptr) return content;
  NodePtr merged = yaml::make_map({}, content->mark);
  if (include->value->is_list()) {
    for (const NodePtr& entry : include->value->items) add(*entry, place, merged);
  } else if (!include->value->is_null()) {
    add(*include->value, place, merged);
  }
  return deep_merge(merged, without_key(content, "include"), budget_);
}

void Includer::add(const Node& entry, const FilePlace& place, NodePtr& merged) {
  if (full_) return;
  for (const IncludeItem& item : read_include(entry, IncludePlace::kContent, out_))
    add_item(item, place, merged);
}

bool Includer::holds(const IncludeItem& item, const FilePlace& place) {
  const IncludeScope& scope = files_.scope_of(place);
  if (!item.rules || !scope.holds) return true;
  const Result<bool> answer = scope.holds(*item.rules, *place.repository);
  if (answer) return *answer;
  fail("invalid-expression", item.mark, "include:rules: " + answer.error().message);
  return false;
}

void Includer::add_item(const IncludeItem& item, const FilePlace& place, NodePtr& merged) {
  if (full_ || budget_.exhausted() || !holds(item, place)) return;
  for (const IncludedFile& file : files_.open(item, place)) add_file(file, item, merged);
}

bool Includer::count(std::size_t files, const Mark& mark) {
  count_ += files;
  if (count_ > kMaxFiles && !full_) {
    full_ = true;
    fail("too-many-includes", mark, fmt::format("Maximum of {} nested includes are allowed!", kMaxFiles));
  }
  return !full_;
}

bool Includer::count_bytes(std::size_t bytes, const Mark& mark) {
  bytes_ += bytes;
  if (bytes_ <= kMaxBytes) return true;
  if (!full_) fail("config-too-large", mark, "The included files are too large together");
  full_ = true;
  return false;
}

void Includer::add_file(const IncludedFile& file, const IncludeItem& item, NodePtr& merged) {
  if (full_) return;
  Call call{.inputs = {}, .component = file.component, .where = item.mark};
  if (item.inputs && !item.inputs->is_null()) call.inputs = read_given_inputs(*item.inputs, out_);
  const std::string key = key_of(file.key, call.inputs);
  if (std::ranges::find(open_, key) != open_.end())
    return fail("include-cycle", item.mark,
                fmt::format("File `{}` includes itself", printable(file.place.name)));
  if (const auto found = done_.find(key); found != done_.end()) {
    if (!count(found->second.files, item.mark)) return;
    if (found->second.content) merged = deep_merge(merged, found->second.content, budget_);
    return;
  }
  const std::size_t before = count_;
  if (!count(1, item.mark) || !count_bytes(file.text.size(), item.mark)) return;
  open_.push_back(key);
  NodePtr content = read_file(file, call);
  open_.pop_back();
  if (content) merged = deep_merge(merged, content, budget_);
  done_.emplace(key, Read{.content = std::move(content), .files = count_ - before});
}

NodePtr Includer::read_file(const IncludedFile& file, const Call& call) {
  out_.origins().included_at.emplace(file.place.name, call.where.place());
  const auto document = read_document(file.text, file.place.name, out_);
  if (document) return content_of(*document, file.place, call);
  out_.set_incomplete();
  return nullptr;
}

}  // namespace

NodePtr expand_includes(const Document& document, const std::string& file, const Sources& sources,
                        Findings& out, Budget& budget) {
  NodePtr result = Includer(sources, out, budget).run(document, file, sources.inputs);
  if (budget.exhausted())
    out.error("config-too-large", document.content->mark,
              "The configuration is too large once its files are merged");
  return result;
}

}  // namespace tidegate::config
