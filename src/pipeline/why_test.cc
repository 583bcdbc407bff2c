// Why a job is not created: the rule and the values that decided, for each kind of decision.
#include <gtest/gtest.h>

#include "config/testing.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {
namespace {

struct Why {
  const char* name;
  const char* text;
  const char* reason;  ///< of the job `j`
};

const Why kWhys[] = {
    {"a condition with its values", "j: {script: x, rules: [{if: '$A == \"1\" && $B'}]}\nk: {script: x}",
     "rules[0]: if $A == \"1\" && $B (A=\"2\", B undefined) is false; no rule matched"},
    {"a secret's value is not told", "j: {script: x, rules: [{if: '$SECRET == \"1\"'}]}\nk: {script: x}",
     "rules[0]: if $SECRET == \"1\" (SECRET=[masked]) is false; no rule matched"},
    {"the rule that said never", "j: {script: x, rules: [{if: $A, when: never}]}\nk: {script: x}",
     "rules[0]: if $A (A=\"2\") is true; when: never"},
    {"changed paths", "j: {script: x, rules: [{changes: ['*.py']}]}\nk: {script: x}",
     "rules[0]: changes [*.py] match none of 2 changed paths (a.txt, b.txt); no rule matched"},
    {"files that are not there", "j: {script: x, rules: [{exists: [Makefile]}]}\nk: {script: x}",
     "rules[0]: exists [Makefile]: no such file; no rule matched"},
    {"only", "j: {script: x, only: [tags]}\nk: {script: x}",
     "only: refs: none of [tags] matches ref main (push)"},
    {"except", "j: {script: x, except: [main]}\nk: {script: x}",
     "except: refs: main matches ref main (push)"},
    {"except by a variable", "j: {script: x, except: {variables: [$A]}}\nk: {script: x}",
     "except: variables: if $A (A=\"2\") is true"},
    {"the workflow", "workflow: {rules: [{if: $B}]}\nj: {script: x}",
     "Pipeline filtered out by workflow rules. workflow:rules[0]: if $B (B undefined) is false; no rule "
     "matched"},
    {"nothing but .pre", "j: {script: x, stage: .pre}",
     "Pipeline will not run: it has jobs in the stages .pre and .post only."},
};

TEST(Why, NamesTheRuleAndTheValues) {
  Context context;
  context.pipeline = {{.key = "A", .value = "2"}};
  context.project = {{.key = "SECRET", .value = "0", .is_public = false, .masked = true}};
  context.changed = {"a.txt", "b.txt"};
  context.tree = [] { return std::vector<std::string>{"a.txt"}; };
  for (const Why& why : kWhys) {
    const auto loaded = config::testing::load_text(why.text);
    ASSERT_TRUE(loaded.definition) << why.name << config::testing::text_of(loaded.diagnostics);
    const Plan plan = compile(*loaded.definition, context);
    for (const PlannedJob& job : plan.jobs) {
      if (job.name != "j") continue;
      EXPECT_FALSE(job.created) << why.name;
      EXPECT_EQ(job.reason, why.reason) << why.name;
    }
  }
}

TEST(Why, TellsAtMostThreeChangedPaths) {
  Context context;
  context.changed = {"a", "b", "c", "d"};
  const auto loaded = config::testing::load_text("j: {script: x, rules: [{changes: [x]}]}\nk: {script: x}");
  const Plan plan = compile(*loaded.definition, context);
  EXPECT_EQ(plan.jobs.at(0).reason,
            "rules[0]: changes [x] match none of 4 changed paths (a, b, c, …); no rule matched");
}

}  // namespace
}  // namespace tidegate::pipeline
