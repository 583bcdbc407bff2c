#include "config/read_job.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr Seconds kMonth{30 * 24 * 3600};
constexpr std::size_t kMaxTags = 50;
constexpr std::size_t kMaxName = 255;

constexpr auto kJobWhen =
    std::to_array<Keyword>({{"on_success"}, {"on_failure"}, {"always"}, {"manual"}, {"delayed"}});

using Reader = void (*)(const Value&, Job&);

struct KeywordReader {
  std::string_view name;
  Reader read;
  bool inherited = false;  ///< may come from `default`
};

void read_before_script(const Value& value, Job& job) {
  auto script = read_script(value).value_or(Script());
  job.before_script = std::move(script.lines);
  job.before_script_places = std::move(script.places);
}

void read_after_script(const Value& value, Job& job) {
  job.after_script = read_script(value).value_or(Script()).lines;
}

void read_main_script(const Value& value, Job& job) {
  auto script = read_script(value);
  if (!script) return;
  const bool blank = value.node().is_list() ? script->lines.empty() : trim(value.node().text).empty();
  if (blank && !value.findings().has_holes()) value.error("invalid-value", "can't be blank");
  job.script = std::move(script->lines);
  job.script_places = std::move(script->places);
}

void read_tags(const Value& value, Job& job) {
  job.tags = read_strings(value).value_or(std::vector<std::string>());
  if (job.tags.size() >= kMaxTags) value.error("invalid-value", "must be less than the limit of 50 tags");
}

void read_when(const Value& value, Job& job) {
  const auto word = read_word(value, kJobWhen);
  if (!word) return;
  job.when = when_of(*word).value_or(When::kOnSuccess);
  job.when_written = true;
}

void read_resource_group(const Value& value, Job& job) {
  job.resource_group = read_string(value).value_or("");
}

/// `/regex/` and flags: at least two slashes with something in between.
void read_coverage(const Value& value, Job& job) {
  const auto text = read_string(value);
  if (!text) return;
  const std::size_t end = text->rfind('/');
  const bool closed = end != std::string::npos && end >= 2 && text->front() == '/';
  if (!closed || text->find_first_not_of("ismU", end + 1) != std::string::npos)
    value.error("invalid-value", "must be a regular expression with re2 syntax",
                "Write it between slashes: /\\d+%/");
  job.coverage = *text;
}

void read_inherit(const Value& value, Job& job) {
  if (!check_map(value, inherit_keywords())) return;
  const auto variables = value.find("variables");
  if (!variables) return;
  job.inherit_variables.all = false;
  if (variables->node().kind == yaml::Kind::kBool) {
    job.inherit_variables.all = variables->node().text == "true";
  } else if (variables->node().is_list()) {
    job.inherit_variables.only = read_strings(*variables).value_or(std::vector<std::string>());
  } else {
    variables->error("invalid-type", "should be a boolean or an array of strings");
  }
}

void read_job_hooks(const Value& value, Job& job) {
  job.pre_get_sources_script = read_hooks(value);
}

void read_confirmation(const Value& value, Job& job) {
  job.manual_confirmation = read_string(value).value_or("");
}

constexpr auto kReaders = std::to_array<KeywordReader>({
    {"after_script", read_after_script, true},
    {"allow_failure", [](const Value& v, Job& job) { job.allow_failure = read_allow_failure(v); }},
    {"artifacts", [](const Value& v, Job& job) { job.artifacts = read_artifacts(v); }, true},
    {"before_script", read_before_script, true},
    {"cache", [](const Value& v, Job& job) { job.cache = read_caches(v); }, true},
    {"coverage", read_coverage},
    {"dast_configuration", [](const Value& v, Job&) { check_dast(v); }},
    {"dependencies", [](const Value& v, Job& job) { job.dependencies = read_strings(v); }},
    {"environment", [](const Value& v, Job& job) { job.environment = read_environment(v); }},
    {"except", [](const Value& v, Job& job) { job.except = read_policy(v); }},
    {"hooks", read_job_hooks, true},
    {"id_tokens", [](const Value& v, Job& job) { job.id_tokens = read_id_tokens(v); }, true},
    {"identity", [](const Value& v, Job&) { check_identity(v); }, true},
    {"image", [](const Value& v, Job& job) { job.image = read_image(v); }, true},
    {"inherit", read_inherit},
    {"inputs", [](const Value& v, Job& job) { job.inputs = read_inputs(v); }},
    {"interruptible", [](const Value& v, Job& job) { job.interruptible = read_bool(v); }, true},
    {"manual_confirmation", read_confirmation},
    {"needs", [](const Value& v, Job& job) { job.needs = read_needs(v); }},
    {"only", [](const Value& v, Job& job) { job.only = read_policy(v); }},
    {"pages", [](const Value& v, Job& job) { job.publish = read_pages(v); }},
    {"publish", [](const Value& v, Job& job) { job.publish = read_string(v).value_or(""); }},
    {"release", [](const Value& v, Job& job) { job.release = read_release(v); }},
    {"parallel", [](const Value& v, Job& job) { job.parallel = read_parallel(v, true); }},
    {"resource_group", read_resource_group},
    {"retry", [](const Value& v, Job& job) { job.retry = read_retry(v); }, true},
    {"rules", [](const Value& v, Job& job) { job.rules = read_rules(v); }},
    {"run", [](const Value& v, Job& job) { job.run = read_run(v); }},
    {"script", read_main_script},
    {"secrets", [](const Value& v, Job& job) { job.secrets = read_secrets(v); }},
    {"services", [](const Value& v, Job& job) { job.services = read_services(v); }, true},
    {"stage", [](const Value& v, Job& job) { job.stage = read_string(v).value_or(job.stage); }},
    {"start_in", [](const Value& v, Job& job) { job.start_in = read_duration(v, std::chrono::weeks{1}); }},
    {"tags", read_tags, true},
    {"timeout", [](const Value& v, Job& job) { job.timeout = read_duration(v, kMonth); }},
    {"trigger", [](const Value& v, Job& job) { job.trigger = read_trigger(v); }},
    {"variables", [](const Value& v, Job& job) { job.variables = read_variables(v, VariableForm::kJob); }},
    {"when", read_when},
});

/// The readers in the order of their names.
constexpr auto kByName = [] {
  std::array<std::size_t, kReaders.size()> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [](std::size_t i) { return kReaders[i].name; });
  return order;
}();

/// What a job writes itself, by reader; nothing for the rest, and for null.
std::array<const yaml::Entry*, kReaders.size()> own_keywords(const yaml::Node& job) {
  std::array<const yaml::Entry*, kReaders.size()> own{};
  for (const yaml::Entry& entry : job.entries) {
    if (entry.value->is_null()) continue;
    const auto at = std::ranges::lower_bound(kByName, std::string_view(entry.key), {},
                                             [](std::size_t i) { return kReaders[i].name; });
    if (at != kByName.end() && kReaders[*at].name == entry.key) own[*at] = &entry;
  }
  return own;
}

/// `inherit:default`: does the job take this keyword?
bool inherits(const Value& job, std::string_view keyword) {
  const auto inherit = job.find("inherit");
  const auto choice = inherit ? inherit->find("default") : std::nullopt;
  if (!choice) return true;
  if (choice->node().is_list())
    return std::ranges::any_of(choice->node().items,
                               [&](const yaml::NodePtr& item) { return item->text == keyword; });
  return choice->node().text != "false";
}

void check_inherit_default(const Value& value) {
  const auto inherit = value.find("inherit");
  const auto choice = inherit ? inherit->find("default") : std::nullopt;
  if (!choice || choice->node().kind == yaml::Kind::kBool) return;
  if (!choice->node().is_list())
    return choice->error("invalid-type", "should be a boolean or an array of strings");
  for (const yaml::NodePtr& item : choice->node().items)
    if (find_keyword(default_keywords(), item->text) == nullptr)
      choice->error("invalid-value", "contains unknown values: " + printable(item->text, 60),
                    nearest_hint(value.findings(), default_keywords(), item->text));
}

void check_combinations(const Value& value, const Job& job) {
  if (job.rules) {
    for (const std::string_view key : {"only", "except", "start_in"})
      if (const auto found = value.find(key))
        found->error("keyword-conflict", fmt::format("key may not be used with `rules`: {}", key),
                     "Write the condition as a rule.");
    return;
  }
  if (job.start_in && job.when != When::kDelayed)
    value.find("start_in")->error("keyword-conflict", "start in must be blank", "Write `when: delayed`.");
  if (!value.find("start_in") && job.when == When::kDelayed)
    value.error("missing-keyword", "start in should be a duration");
}

}  // namespace

Defaults::Defaults(const Value& root) : table(root.find("default")), root(&root) {
  for (const KeywordReader& reader : kReaders) {
    if (!reader.inherited) continue;
    auto found = table ? table->find(reader.name) : std::nullopt;
    if (!found) found = root.find(reader.name);
    if (found) given_.emplace_back(reader.name, *found);
  }
}

std::optional<Value> Defaults::find(std::string_view keyword) const {
  const auto found = std::ranges::find(given_, keyword, &std::pair<std::string_view, Value>::first);
  return found == given_.end() ? std::nullopt : std::optional(found->second);
}

void check_defaults(const Defaults& defaults) {
  constexpr auto kOldForm =
      std::to_array<std::string_view>({"image", "services", "cache", "before_script", "after_script"});
  if (defaults.table && check_map(*defaults.table, default_keywords())) {
    for (const std::string_view keyword : kOldForm) {
      const auto old = defaults.root->find(keyword);
      if (old && defaults.table->find(keyword))
        old->error("keyword-conflict", "is defined in top-level and `default:` entry",
                   "Keep the one in `default`.");
    }
    if (const auto timeout = defaults.table->find("timeout")) {
      read_duration(*timeout, kMonth);
      timeout->warning("no-effect", "has no effect in `default`", "Write `timeout` in the jobs.");
    }
  }
  Job unused;
  for (const KeywordReader& reader : kReaders)
    if (reader.inherited)
      if (const auto value = defaults.find(reader.name)) reader.read(*value, unused);
}

Job read_job(const Value& value, const yaml::Mark& mark, const Defaults& defaults) {
  Job job;
  job.name = value.name();
  job.place = mark.place();
  if (job.name.size() > kMaxName)
    value.findings().error("invalid-value", mark,
                           fmt::format("{} name is too long (maximum is 255 characters)", value.path()));
  const bool bridge = is_bridge(value);
  if (bridge) {
    check_bridge(value);
  } else {
    check_map(value, job_keywords());
  }
  check_inherit_default(value);
  const auto own = own_keywords(value.node());
  for (std::size_t i = 0; i < kReaders.size(); ++i) {
    const KeywordReader& reader = kReaders[i];
    if (own[i] == nullptr && !reader.inherited) continue;
    if (bridge && find_keyword(bridge_keywords(), reader.name) == nullptr) continue;
    if (own[i] != nullptr) {
      reader.read(value.child(*own[i]->value, own[i]->key), job);
    } else if (const auto given = defaults.find(reader.name); given && inherits(value, reader.name)) {
      reader.read(*given, job);
    }
  }
  if (job.name == "pages" && !value.find("pages") && job.publish.empty()) job.publish = "public";
  if (const auto needs = value.find("needs")) read_pipeline_needs(*needs, job, bridge);
  if (!job.upstream.empty()) job.needs.reset();  // it goes by stage
  check_combinations(value, job);
  for (const std::string_view key : {"script", "before_script", "after_script"})
    if (value.find("run") && value.find(key))
      value.error("keyword-conflict", fmt::format("these keys cannot be used together: run, {}", key),
                  "Write the lines as steps of `run`.");
  const bool other_work = bridge || value.find("run");
  if (!other_work && !value.find("script") && !value.findings().has_holes())
    value.findings().error("missing-keyword", mark,
                           fmt::format("{} config should implement the script: keyword", value.path()),
                           "Write `script:`, or begin the name with a dot if it is a template.");
  return job;
}

}  // namespace tidegate::config
