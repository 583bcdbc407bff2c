// include, extends and !reference, seen through load().
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::first_error;
using testing::job;
using testing::load_text;
using testing::text_of;
using Lines = std::vector<std::string>;

std::string variable(const Job& of, std::string_view key) {
  for (const Variable& found : of.variables)
    if (found.key == key) return found.value;
  return "(none)";
}

TEST(Include, TheIncludingFileWinsAndHashesMerge) {
  const Loaded loaded = load_text("include: a.yml\nvariables: {X: main}\nj: {script: main}\n",
                                  {{"a.yml", "variables: {X: a, Y: a}\nj: {script: a, tags: [t]}\n"}});
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "j")->script, Lines{"main"});
  EXPECT_EQ(job(loaded, "j")->tags, Lines{"t"});
  ASSERT_EQ(loaded.definition->variables.size(), 2U);
  EXPECT_EQ(loaded.definition->variables[0].value, "main");
}

TEST(Include, TakesStringListHashAndWildcards) {
  const std::map<std::string, std::string> files = {{"ci/a.yml", "a: {script: x}"},
                                                    {"ci/b.yml", "b: {script: x}"},
                                                    {"ci/deep/c.yml", "c: {script: x}"},
                                                    {"d.yml", "d: {script: x}"}};
  const Loaded one = load_text("include: [{local: /ci/*.yml}, d.yml]", files);
  ASSERT_TRUE(one.definition) << text_of(one.diagnostics);
  EXPECT_EQ(one.definition->jobs.size(), 3U);
  const Loaded all = load_text("include:\n  local: ci/**.yml", files);
  ASSERT_TRUE(all.definition) << text_of(all.diagnostics);
  EXPECT_EQ(all.definition->jobs.size(), 3U);
  const Loaded none = load_text("include: none/*.yml\nj: {script: x}", files);
  EXPECT_TRUE(none.definition) << "a wildcard may find nothing";
}

TEST(Include, NamesTheIncludedFileInFindings) {
  const Loaded loaded = load_text("include: a.yml", {{"a.yml", "j:\n  script: x\n  tgas: [a]\n"}});
  const auto found = testing::find(loaded.diagnostics, "unknown-keyword");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, (Place{.file = "a.yml", .line = 3, .column = 3}));
}

TEST(Include, RefusesWhatItCannotFollow) {
  const std::map<std::string, std::string> files = {
      {"a.yml", "include: b.yml"}, {"b.yml", "include: a.yml"}, {"list.yml", "[1]"}, {"empty.yml", ""}};
  EXPECT_EQ(first_error(load_text("include: no.yml", files)), "include-not-found");
  EXPECT_EQ(first_error(load_text("include: a.txt", files)), "invalid-include");
  EXPECT_EQ(first_error(load_text("include: ../a.yml", files)), "invalid-include");
  EXPECT_EQ(first_error(load_text("include: ./a.yml", files)), "invalid-include");
  EXPECT_EQ(first_error(load_text("include: a.yml", files)), "include-cycle");
  EXPECT_EQ(first_error(load_text("include: list.yml", files)), "invalid-format");
  EXPECT_EQ(first_error(load_text("include: empty.yml", files)), "config-empty");
  EXPECT_EQ(first_error(load_text("include: 3", files)), "invalid-type");
  EXPECT_EQ(first_error(load_text("include: https://x/y.yml", files)), "include-unavailable");
  EXPECT_EQ(first_error(load_text("include: {project: a/b, file: x.yml}", files)), "include-unavailable");
  EXPECT_EQ(first_error(load_text("include: {lcoal: a.yml}", files)), "unknown-keyword");
}

TEST(Include, CountsEveryFileUpTo150) {
  const auto text = [](int count) {
    std::string list = "include: [";
    for (int i = 0; i < count; ++i) list += "a.yml,";
    return list + "]\nj: {script: x}";
  };
  const std::map<std::string, std::string> files = {{"a.yml", "variables: {A: b}"}};
  EXPECT_TRUE(load_text(text(150), files).definition);
  EXPECT_EQ(first_error(load_text(text(151), files)), "too-many-includes");
}

TEST(Include, AMissingFileHidesFindingsThatFollowFromIt) {
  const Loaded loaded = load_text("include: no.yml\nj: {extends: .base, stage: odd, needs: [k]}");
  ASSERT_EQ(loaded.diagnostics.size(), 1U) << text_of(loaded.diagnostics);
  EXPECT_EQ(loaded.diagnostics[0].code, "include-not-found");
}

TEST(Extends, HashesMergeArraysAndScalarsReplaceAndLaterParentsWin) {
  const Loaded loaded = load_text(R"(
.a: {script: [a], tags: [a], variables: {X: a, Y: a}}
.b: {script: [b], variables: {Y: b, Z: b}}
j: {extends: [.a, .b], variables: {Z: j}}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_EQ(j.script, Lines{"b"});
  EXPECT_EQ(j.tags, Lines{"a"});
  EXPECT_EQ(variable(j, "X") + variable(j, "Y") + variable(j, "Z"), "abj");
}

TEST(Extends, NullRemoves) {
  const Loaded loaded =
      load_text(".a: {script: x, image: i, variables: {X: a}}\nj: {extends: .a, image: null, variables: ~}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_FALSE(job(loaded, "j")->image);
  EXPECT_TRUE(job(loaded, "j")->variables.empty());
}

std::string chain(int levels) {
  std::string text = ".e0: {script: x}\n";
  for (int i = 1; i < levels; ++i) text += fmt::format(".e{}: {{extends: .e{}}}\n", i, i - 1);
  return text + fmt::format("j: {{extends: .e{}}}\n", levels - 1);
}

TEST(Extends, ElevenLevelsAndNoMore) {
  EXPECT_TRUE(load_text(chain(11)).definition) << text_of(load_text(chain(11)).diagnostics);
  EXPECT_EQ(first_error(load_text(chain(12))), "extends-too-deep");
}

TEST(Extends, RefusesCyclesUnknownParentsAndNonHashes) {
  EXPECT_EQ(first_error(load_text("a: {script: x, extends: b}\nb: {script: x, extends: a}")),
            "extends-cycle");
  EXPECT_EQ(first_error(load_text("a: {script: x, extends: a}")), "extends-cycle");
  const Loaded unknown = load_text(".bass: {script: x}\na: {script: x, extends: .base}");
  EXPECT_EQ(first_error(unknown), "extends-unknown");
  EXPECT_EQ(unknown.diagnostics[0].hint, "Did you mean .bass?");
  EXPECT_EQ(first_error(load_text(".a: [x]\nb: {script: x, extends: .a}")), "extends-not-a-hash");
  EXPECT_EQ(first_error(load_text("b: {script: x, extends: 1}")), "invalid-type");
}

TEST(Extends, AWideLatticeIsReadInTimeOrRefused) {
  // 11 levels with 10 parents each: ten thousand million paths, one hundred entries.
  std::string text;
  for (int level = 0; level < 11; ++level)
    for (int i = 0; i < 10; ++i) {
      text += fmt::format(".l{}_{}: {{variables: {{v{}_{}: 1}}", level, i, level, i);
      if (level > 0) {
        text += ", extends: [";
        for (int k = 0; k < 10; ++k) text += fmt::format(".l{}_{},", level - 1, k);
        text += "]";
      }
      text += "}\n";
    }
  const Loaded loaded = load_text(text + "j: {script: x, extends: .l9_0}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "j")->variables.size(), 91U);
}

TEST(Reference, FlattensInScriptsAndRulesAndReachesAnyValue) {
  const Loaded loaded = load_text(R"(
.s: {one: [a, b], two: [!reference [.s, one], c], rules: [{if: $A}], n: {deep: value}}
.plain: text
j:
  script: [!reference [.s, two], d, !reference [.plain]]
  rules: [!reference [.s, rules], {when: manual}]
  variables: {X: !reference [.s, n, deep]}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_EQ(j.script, (Lines{"a", "b", "c", "d", "text"}));
  ASSERT_EQ(j.rules->size(), 2U);
  EXPECT_EQ(j.rules->at(0).if_expression, "$A");
  EXPECT_EQ(variable(j, "X"), "value");
}

TEST(Reference, RefusesCyclesDepthAndMissingTargets) {
  EXPECT_EQ(
      first_error(load_text("a: {script: !reference [b, script]}\nb: {script: !reference [a, script]}")),
      "reference-cycle");
  EXPECT_EQ(first_error(load_text("a: {script: [!reference [a, script]]}")), "reference-cycle");
  EXPECT_EQ(first_error(load_text("a: {script: !reference [none, script]}")), "reference-unknown");
  EXPECT_EQ(first_error(load_text("a: {script: !reference x}")), "reference-invalid");
}

TEST(Reference, LongChainsAreFollowedOrRefused) {
  const auto chain = [](int count, bool last_first) {
    std::string text = ".r0: {s: [x]}\n";
    for (int i = 1; i < count; ++i) {
      const std::string link = fmt::format(".r{}: {{s: !reference [.r{}, s]}}\n", i, i - 1);
      text = last_first ? link + text : text + link;
    }
    return text + fmt::format("j: {{script: !reference [.r{}, s]}}\n", count - 1);
  };
  EXPECT_TRUE(load_text(chain(100, true)).definition);
  EXPECT_TRUE(load_text(chain(1000, false)).definition)
      << "each link is short, as the one before it is known";
  EXPECT_EQ(first_error(load_text(chain(1000, true))), "reference-too-deep");
}

TEST(Reference, DepthDoesNotPileUpFromOneToTheNext) {
  std::string text = ".r0: x\n";
  for (int i = 1; i < 50; ++i)
    text +=
        fmt::format(".r{}: {}!reference [.r{}]{}\n", i, std::string(90, '['), i - 1, std::string(90, ']'));
  EXPECT_EQ(first_error(load_text(text + "j: {script: x}")), "reference-too-deep");
}

TEST(Reference, DoublingReferencesAreRefusedQuickly) {
  std::string text = ".r0: {s: [x, x, x, x, x, x, x, x, x, x]}\n";
  for (int i = 1; i < 9; ++i) {
    text += fmt::format(".r{}: {{s: [", i);
    for (int k = 0; k < 10; ++k) text += fmt::format("!reference [.r{}, s],", i - 1);
    text += "]}\n";
  }
  EXPECT_EQ(first_error(load_text(text + "j: {script: !reference [.r8, s]}")), "config-too-large");
}

TEST(Merged, ShowsTheExpandedConfigurationAndReadsBackTheSame) {
  const Loaded loaded =
      load_text("include: a.yml\n.t: {script: [!reference [.s, x], two]}\nj: {extends: .t, image: i}\n",
                {{"a.yml", ".s: {x: [one]}"}});
  ASSERT_TRUE(loaded.definition);
  EXPECT_EQ(loaded.merged().find("extends"), std::string::npos);
  EXPECT_EQ(loaded.merged().find("!reference"), std::string::npos);
  EXPECT_NE(loaded.merged().find("    - one\n    - two\n"), std::string::npos) << loaded.merged();
  EXPECT_NE(loaded.merged().find(".t:"), std::string::npos) << "hidden keys are kept";
  const Loaded again = load_text(loaded.merged());
  ASSERT_TRUE(again.definition) << text_of(again.diagnostics);
  EXPECT_EQ(again.merged(), loaded.merged());
  EXPECT_EQ(job(again, "j")->script, (Lines{"one", "two"}));
}

}  // namespace
}  // namespace tidegate::config
