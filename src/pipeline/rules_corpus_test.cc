// pipeline-rules/cases.yml of the corpus: configuration and context in, jobs or refusal out.
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/time.h"
#include "config/testing.h"
#include "config/yaml.h"
#include "pipeline/corpus.h"
#include "pipeline/plan.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

using config::yaml::Node;

/// Cases whose configuration uses a keyword that config does not read yet. May only shrink.
constexpr int kMostNotApplicable = 2;

std::vector<std::string> strings(const Node* node) {
  std::vector<std::string> out;
  if (node == nullptr) return out;
  for (const auto& item : node->items) out.push_back(item->text);
  return out;
}

std::string text_of(const Node& node, std::string_view key, std::string fallback) {
  const Node* found = node.find(key);
  return found == nullptr ? fallback : found->text;
}

Context context_of(const Node& row) {
  Context context;
  context.ref = text_of(row, "ref", "master");
  context.default_branch = text_of(row, "default_branch", "master");
  context.source = text_of(row, "source", "push");
  context.sha = std::string(40, 'a');
  if (const Node* changed = row.find("changed"); changed != nullptr && changed->is_list()) {
    context.changed = strings(changed);
  }
  if (const Node* variables = row.find("pipeline_variables")) {
    for (const auto& entry : variables->entries) {
      context.pipeline.push_back({.key = entry.key, .value = entry.value->text});
    }
  }
  context.tree = [files = strings(row.find("files"))] { return files; };
  if (const Node* git = row.find("git")) {
    // Files of each branch; what changed against another branch is what that one has not.
    std::map<std::string, std::vector<std::string>> branches;
    for (const auto& entry : git->entries) branches[entry.key] = strings(entry.value.get());
    context.changed_against = [branches, ref = context.ref](const std::string& base) {
      std::optional<std::vector<std::string>> out;
      const auto found = branches.find(base);
      if (found == branches.end()) return out;
      out.emplace();
      for (const auto& path : branches.at(ref)) {
        if (std::ranges::find(found->second, path) == found->second.end()) out->push_back(path);
      }
      return out;
    };
  }
  return context;
}

std::string_view to_word(config::When when) {
  constexpr std::array<std::string_view, 6> kWords = {"on_success", "on_failure", "always",
                                                      "manual",     "delayed",    "never"};
  return kWords.at(static_cast<std::size_t>(when));
}

std::vector<std::string> report_paths(const PlannedJob& job, std::string_view type) {
  for (const auto& artifact : job.message.artifacts) {
    if (artifact.type == type) return artifact.paths;
  }
  return {};
}

void check_variables(const Node& wanted, const PlannedJob& job) {
  const VariableIndex index(job.message.variables);
  for (const auto& [key, mark, value] : wanted.entries) {
    const auto* found = index.find(key);
    if (value->is_null()) {
      EXPECT_EQ(found, nullptr) << key;
      continue;
    }
    ASSERT_NE(found, nullptr) << key;
    EXPECT_EQ(found->value, value->text) << key;
    const bool predefined = key.starts_with("CI_");
    EXPECT_EQ(std::ranges::count(job.yaml_variables, key, &JobVariable::key), predefined ? 0 : 1) << key;
  }
}

std::vector<std::string> need_names(const PlannedJob& job) {
  std::vector<std::string> out;
  if (job.needs) {
    for (const auto& need : *job.needs) out.push_back(need.job);
  }
  return out;
}

void check_script(const std::string& key, const Node& wanted, const config::Job& written,
                  const PlannedJob& job) {
  const auto& lines = key == "script" ? written.script : written.before_script;
  EXPECT_EQ(lines, strings(&wanted)) << key;
  const auto& all = job.message.steps.at(0).script;
  EXPECT_EQ(all.size(), written.before_script.size() + written.script.size());
}

void check_attribute(const std::string& key, const Node& wanted, const config::Job& written,
                     const PlannedJob& job) {
  if (key == "when") EXPECT_EQ(to_word(job.when), wanted.text);
  if (key == "start_in") EXPECT_EQ(job.start_in, parse_duration(wanted.text).value());
  if (key == "allow_failure") EXPECT_EQ(job.allow_failure.value, wanted.text == "true");
  if (key == "needs") EXPECT_EQ(need_names(job), strings(&wanted));
  if (key == "starts") EXPECT_TRUE(job.needs.has_value() && job.needs->empty());
  if (key == "environment") EXPECT_EQ(job.environment ? job.environment->name : "", wanted.text);
  if (key == "image") EXPECT_EQ(job.message.image ? job.message.image->name : "", wanted.text);
  if (key == "tags") EXPECT_EQ(job.tags, strings(&wanted));
  if (key == "retry") EXPECT_EQ(job.retry ? std::to_string(job.retry->max) : "", wanted.find("max")->text);
  if (key == "script" || key == "before_script") check_script(key, wanted, written, job);
  if (key == "variables") check_variables(wanted, job);
  if (key == "artifacts") {
    for (const auto& report : wanted.find("reports")->entries) {
      EXPECT_EQ(report_paths(job, report.key), std::vector<std::string>{report.value->text});
    }
  }
}

void check_jobs(const Node& wanted, const config::Definition& definition, const Plan& plan) {
  EXPECT_TRUE(plan.created) << plan.reason << "\n" << config::testing::text_of(plan.diagnostics);
  std::map<std::string, const PlannedJob*> created;
  for (const auto& job : plan.jobs) {
    if (job.created) created[job.name] = &job;
  }
  for (const auto& entry : wanted.entries) {
    SCOPED_TRACE(entry.key);
    const auto found = created.find(entry.key);
    if (found == created.end()) {
      ADD_FAILURE() << "not created";
      continue;
    }
    const auto written = std::ranges::find(definition.jobs, found->second->written, &config::Job::name);
    for (const auto& attribute : entry.value->entries) {
      SCOPED_TRACE(attribute.key);
      check_attribute(attribute.key, *attribute.value, *written, *found->second);
    }
    created.erase(found);
  }
  for (const auto& [name, job] : created) ADD_FAILURE() << name << " should not be there: " << job->reason;
}

/// False: the configuration uses a keyword that is not read yet.
bool check_case(const Node& row) {
  std::map<std::string, std::string> files;
  if (const Node* includes = row.find("includes")) {
    for (const auto& entry : includes->entries) files[entry.key] = entry.value->text;
  }
  const auto loaded = config::testing::load_text(row.find("config")->text, files);
  if (config::testing::find(loaded.diagnostics, "unsupported-keyword")) return false;
  const Node& expect = *row.find("expect");
  const bool refusal = expect.find("error") != nullptr;
  if (!loaded.definition) {
    EXPECT_TRUE(refusal) << config::testing::text_of(loaded.diagnostics);
    return true;
  }
  const Plan plan = compile(*loaded.definition, context_of(row));
  EXPECT_EQ(config::has_errors(plan.diagnostics), refusal) << config::testing::text_of(plan.diagnostics);
  if (const Node* jobs = expect.find("jobs")) check_jobs(*jobs, *loaded.definition, plan);
  if (const Node* reason = expect.find("no_pipeline")) {
    EXPECT_FALSE(plan.created);
    EXPECT_EQ(plan.reason.starts_with("Pipeline filtered out by workflow rules."),
              reason->text == "workflow rules")
        << plan.reason;
  }
  return true;
}

TEST(RulesCorpus, Cases) {
  const auto text = read_corpus("pipeline-rules/cases.yml");
  if (!text) GTEST_SKIP() << "skipped: no corpus";
  const auto parsed = config::yaml::parse(*text, "cases.yml");
  ASSERT_EQ(parsed.documents.size(), 1U);
  const auto& rows = parsed.documents[0]->items;
  ASSERT_GE(rows.size(), 69U);
  std::vector<std::string> not_yet;
  for (const auto& row : rows) {
    SCOPED_TRACE(row->find("id")->text);
    if (!check_case(*row)) not_yet.push_back(row->find("id")->text);
  }
  std::cout << "not applicable yet: " << not_yet.size() << " of " << rows.size() << " ("
            << join(not_yet, ", ") << ")\n";
  EXPECT_LE(not_yet.size(), kMostNotApplicable);
}

}  // namespace
}  // namespace tidegate::pipeline
