// The keywords of a job, and what must hold between jobs, seen through load().
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::job;
using testing::load_text;
using testing::text_of;
using Lines = std::vector<std::string>;

/// A job `j` with a script and these lines (two spaces in front are added).
Loaded load_job(const std::string& keywords) {
  return load_text("j:\n  script: x\n  " + keywords + "\n");
}

TEST(Job, ReadsImageAndServices) {
  const Loaded loaded = load_text(R"(
j:
  script: x
  image: {name: i:1, entrypoint: [""], pull_policy: [always, if-not-present], docker: {platform: p, user: u}}
  services:
    - redis:7
    - {name: postgres:15, alias: "db, database", entrypoint: [e], command: [c], pull_policy: never, variables: {A: 1}}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_EQ(j.image->entrypoint, Lines{""});
  EXPECT_EQ(j.image->pull_policy, (Lines{"always", "if-not-present"}));
  EXPECT_EQ(j.image->platform + j.image->user, "pu");
  ASSERT_EQ(j.services.size(), 2U);
  EXPECT_EQ(j.services[0].image.name, "redis:7");
  EXPECT_EQ(j.services[1].aliases, (Lines{"db", "database"}));
  EXPECT_EQ(j.services[1].command, Lines{"c"});
  EXPECT_EQ(j.services[1].variables.at(0).value, "1");
}

TEST(Job, ReadsArtifactsCacheRetryAndEnvironment) {
  const Loaded loaded = load_text(R"(
j:
  script: x
  artifacts:
    {paths: [a], exclude: [b], untracked: true, name: n, when: always, expire_in: never, expose_as: e, public: false,
     reports: {junit: [j], dotenv: d, coverage_report: {coverage_format: cobertura, path: c.xml}}}
  cache:
    - {key: k, paths: [p], policy: pull, when: on_failure, fallback_keys: [f], unprotect: true}
    - {key: {files: [l], prefix: x}}
  retry: {max: 2, when: [script_failure, api_failure], exit_codes: [137]}
  environment: {name: prod, url: https://x, action: start, auto_stop_in: 1 day, deployment_tier: production}
  timeout: 1h 30m
  resource_group: g
  interruptible: true
  coverage: '/\d+%/'
  allow_failure: {exit_codes: [3, 4]}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_TRUE(j.artifacts->never_expires);
  EXPECT_FALSE(j.artifacts->is_public);
  EXPECT_EQ(j.artifacts->when, ArtifactsWhen::kAlways);
  EXPECT_EQ(j.artifacts->reports.dotenv, Lines{"d"});
  EXPECT_EQ(j.artifacts->reports.other.at("cobertura"), Lines{"c.xml"});
  ASSERT_EQ(j.cache.size(), 2U);
  EXPECT_EQ(j.cache[0].policy, "pull");
  EXPECT_TRUE(j.cache[0].unprotect);
  EXPECT_EQ(j.cache[1].key_files, Lines{"l"});
  EXPECT_EQ(j.retry->max, 2);
  EXPECT_EQ(j.retry->exit_codes, std::vector<int>{137});
  EXPECT_EQ(j.environment->auto_stop_in, "1 day");
  EXPECT_EQ(j.timeout, Seconds{5400});
  EXPECT_EQ(j.allow_failure->exit_codes, (std::vector<int>{3, 4}));
}

TEST(Job, ReadsRulesAndTheirClauses) {
  const Loaded loaded = load_text(R"(
k: {script: x}
j:
  script: x
  rules:
    - if: $A
      changes: {paths: [a, b], compare_to: main}
      exists: [c]
      when: delayed
      start_in: 5 minutes
      allow_failure: true
      variables: {V: 1}
      needs: [k]
      interruptible: true
    - [{if: $B}, [{when: never}]]
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const auto& rules = *job(loaded, "j")->rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].changes->compare_to, "main");
  EXPECT_EQ(rules[0].exists->paths, Lines{"c"});
  EXPECT_EQ(rules[0].start_in, Seconds{300});
  EXPECT_EQ(rules[0].needs->at(0).job, "k");
  EXPECT_EQ(rules[2].when, When::kNever);
  EXPECT_EQ(rules[0].place.line, 6U);
}

TEST(Job, ReadsOnlyAndExcept) {
  const Loaded loaded = load_job(
      "only: [main, /^v/i]\n  except: {refs: [tags], variables: [$A], changes: [a], kubernetes: active}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_EQ(j.only->refs, (Lines{"main", "/^v/i"}));
  EXPECT_EQ(j.except->variables, Lines{"$A"});
  EXPECT_TRUE(j.except->kubernetes);
}

TEST(Job, TakesDefaultsWholeAndOnlyWhenItInheritsThem) {
  const Loaded loaded = load_text(R"(
default: {image: i, tags: [a, b], before_script: [d], retry: 1}
after_script: [old form]
a: {script: x}
b: {script: x, tags: [c], before_script: []}
c: {script: x, inherit: {default: false, variables: [V]}}
d: {script: x, inherit: {default: [image]}}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "a")->tags, (Lines{"a", "b"}));
  EXPECT_EQ(job(loaded, "a")->after_script, Lines{"old form"});
  EXPECT_EQ(job(loaded, "b")->tags, Lines{"c"});
  EXPECT_TRUE(job(loaded, "b")->before_script.empty());
  EXPECT_FALSE(job(loaded, "c")->image);
  EXPECT_EQ(job(loaded, "c")->inherit_variables.only, Lines{"V"});
  EXPECT_EQ(job(loaded, "d")->image->name, "i");
  EXPECT_FALSE(job(loaded, "d")->retry);
}

TEST(Job, VariablesLoseTheirTypeAndMayBeRaw) {
  const Loaded loaded = load_text(
      "variables: {A: 1.10, B: on, C: 010, D: {value: $A, expand: false}, E: {description: d}, F: ~,\n"
      "  G: {value: x, options: [x, y]}}\nj: {script: x}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  std::string values;
  for (const Variable& variable : loaded.definition->variables) values += variable.value + "|";
  EXPECT_EQ(values, "1.1|true|8|$A|||x|");
  EXPECT_FALSE(loaded.definition->variables[3].expand);
}

struct Bad {
  const char* keywords;
  const char* code;
};

constexpr Bad kRefused[] = {
    {"tags: mysql", "invalid-type"},
    {"tags: [1]", "invalid-type"},
    {"image: [a]", "invalid-type"},
    {"image: {entrypoint: [a]}", "missing-keyword"},
    {"image: {name: a, pull_policy: sometimes}", "invalid-value"},
    {"image: {name: ''}", "invalid-value"},
    {"image: {name: a, docker: {platform: ''}}", "invalid-value"},
    {"image: {name: a, docker: {user: ''}}", "invalid-value"},
    {"image: {name: a, kubernetes: yes}", "invalid-type"},
    {"image: {name: a, kubernetes: {user: [1]}}", "invalid-type"},
    {"image: {name: a, kubernetes: {group: g}}", "unknown-keyword"},
    {"services: ['']", "invalid-value"},
    {"services: [{name: ' '}]", "invalid-value"},
    {"services: a", "invalid-type"},
    {"variables: a", "invalid-type"},
    {"variables: {A: [1]}", "invalid-type"},
    {"when: 1", "invalid-value"},
    {"when: never", "invalid-value"},
    {"when: delayed", "missing-keyword"},
    {"start_in: 1 hour", "keyword-conflict"},
    {"allow_failure: maybe", "invalid-type"},
    {"retry: 3", "invalid-value"},
    {"retry: '2'", "invalid-value"},
    {"retry: {when: sometimes}", "invalid-value"},
    {"timeout: 90", "invalid-value"},
    {"timeout: 0 days", "invalid-value"},
    {"timeout: 3 months", "invalid-value"},
    {"timeout: soon", "invalid-value"},
    {"coverage: \\d+", "invalid-value"},
    {"coverage: /a/bc", "invalid-value"},
    {"artifacts: {paths: a}", "invalid-type"},
    {"artifacts: {when: never}", "invalid-value"},
    {"artifacts: {reports: {junt: a}}", "unknown-keyword"},
    {"cache: {paths: a}", "invalid-type"},
    {"cache: {key: a/b}", "invalid-value"},
    {"cache: {key: a%2fb}", "invalid-value"},
    {"cache: {key: ..}", "invalid-value"},
    {"cache: [{}, {}, {}, {}, {}]", "invalid-value"},
    {"environment: {url: x}", "missing-keyword"},
    {"environment: {name: x, action: jump}", "invalid-value"},
    {"environment: 'a@b'", "invalid-value"},
    {"environment: /a", "invalid-value"},
    {"artifacts: {expose_as: a, paths: ['*.txt']}", "invalid-value"},
    {"artifacts: {expose_as: a}", "missing-keyword"},
    {"rules: [{variables: {A: {value: b}}}]", "invalid-type"},
    {"timeout: 31 days", "invalid-value"},
    {"needs: k", "invalid-type"},
    {"needs: [~]", "invalid-type"},
    {"needs: [{optional: true}]", "missing-keyword"},
    {"needs: [{project: a/b, job: c}]", "missing-keyword"},
    {"rules: []", "invalid-value"},
    {"rules: [a]", "invalid-type"},
    {"rules: [{}]", "invalid-value"},
    {"rules: [{when: sometimes}]", "invalid-value"},
    {"rules: [{when: delayed}]", "missing-keyword"},
    {"rules: [{start_in: 1 hour}]", "invalid-value"},
    {"rules: [{exists: a}]", "invalid-type"},
    {"rules: [{changes: {compare_to: main}}]", "missing-keyword"},
    {"rules: [{if: $A}]\n  only: [main]", "keyword-conflict"},
    {"rules: [{exists: {paths: [a], ref: b}}]", "missing-keyword"},
    {"only: main", "invalid-type"},
    {"inherit: {default: [imgae]}", "invalid-value"},
    {"parallel: 0", "invalid-value"},
    {"parallel: 201", "invalid-value"},
    {"parallel: 2.5", "invalid-value"},
    {"parallel: two", "invalid-type"},
    {"parallel: {count: 2}", "unknown-keyword"},
    {"parallel: {}", "missing-keyword"},
    {"parallel: {matrix: x}", "invalid-type"},
    {"parallel: {matrix: [x]}", "invalid-type"},
    {"parallel: {matrix: [{}]}", "invalid-value"},
    {"parallel: {matrix: [{A: ~}]}", "invalid-type"},
    {"parallel: {matrix: [{A: {b: c}}]}", "invalid-type"},
    {"parallel: {matrix: [{A: [[b]]}]}", "invalid-type"},
    {"needs: [{job: j, parallel: 2}]", "invalid-value"},
    {"needs: [{pipeline: a/b}]", "invalid-value"},
    {"needs: [{pipeline: 1, project: a/b, ref: main, job: c}]", "keyword-conflict"},
    {"needs: [{pipeline: 1, job: c, optional: true}]", "keyword-conflict"},
    {"needs: [{job: j, ref: main}]", "keyword-conflict"},
    {"rules: [{needs: [{pipeline: 5, job: k}]}]", "invalid-value"},
    {"needs: ['$[[ matrix.A ]]']", "unknown-matrix-key"},
    {"trigger: a/b", "keyword-conflict"},
    {"stage: acceptance", "unknown-stage"},
    {"dependencies: [none]", "unknown-dependency"},
    {"needs: [none]", "unknown-need"},
    {"script: []", "invalid-value"},
    {"script: ''", "invalid-value"},
    {"script: '  '", "invalid-value"},
    {"script: [{echo: x}]", "invalid-type"},
    {"script: [[[[[[[[[[[x]]]]]]]]]]]", "invalid-type"},
    {"scripts: x", "unknown-keyword"},
    {"<<: text", "invalid-merge"},
};

TEST(Job, RefusesWhatGitLabRefuses) {
  for (const Bad& bad : kRefused) {
    const Loaded loaded = load_job(bad.keywords);
    EXPECT_FALSE(loaded.definition) << bad.keywords;
    const auto found = testing::find(loaded.diagnostics, bad.code);
    ASSERT_TRUE(found) << bad.keywords << "\n" << text_of(loaded.diagnostics);
    EXPECT_GE(found->place.line, 1U) << bad.keywords;
  }
}

TEST(Job, TakesWhatGitLabTakes) {
  for (const char* keywords : {"coverage: /a/im", "image: {name: a, kubernetes: {user: 1000}}",
                               "artifacts: {paths: [a], expose_as: a b-c_D}"}) {
    const Loaded loaded = load_job(keywords);
    EXPECT_TRUE(loaded.definition) << keywords << "\n" << text_of(loaded.diagnostics);
  }
  EXPECT_TRUE(load_text("j: {script: ['']}").definition);
  // GitLab lets these pass in a rule of the workflow, where they mean nothing.
  const Loaded loaded =
      load_text("workflow: {rules: [{if: $A, allow_failure: true, needs: []}]}\nj: {script: x}");
  EXPECT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_TRUE(testing::find(loaded.diagnostics, "unsupported-keyword"));
}

TEST(Job, WarnsOfKeywordsThatHaveNoEffect) {
  const Loaded loaded = load_job("identity: google_cloud\n  dast_configuration: {site_profile: s}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  ASSERT_EQ(loaded.diagnostics.size(), 2U);
  EXPECT_EQ(loaded.diagnostics[0].code, "unsupported-keyword");
  EXPECT_EQ(loaded.diagnostics[0].severity, Severity::kWarning);
  EXPECT_EQ(loaded.diagnostics[0].place.line, 3U);
}

TEST(Root, RefusesWhatIsNoPipeline) {
  const Bad cases[] = {
      {"", "config-empty"},
      {"# nothing", "config-empty"},
      {"just text", "invalid-format"},
      {"[a]", "invalid-format"},
      {"before_script: [x]", "no-jobs"},
      {".hidden: {script: x}", "no-jobs"},
      {"extra: text\nj: {script: x}", "not-a-job"},
      {"j: {image: i}", "missing-keyword"},
      {"<<: text\nj: {script: x}", "invalid-merge"},
      {"stages: a\nj: {script: x}", "invalid-type"},
      {"variables: text\nj: {script: x}", "invalid-type"},
      {"workflow: {rules: [{when: manual}]}\nj: {script: x}", "invalid-value"},
      {"default: {script: x}\nj: {script: x}", "unknown-keyword"},
      {"default: {image: a}\nimage: b\nj: {script: x}", "keyword-conflict"},
      {"default: {image: [a]}\nj: {script: x, image: b}", "invalid-type"},
      {"spec: {inputs: {a: }}\n---\nj: {script: x}", "missing-input"},
      {"spec: {inputs: {}}", "config-empty"},
      {"spec: {}\n---\nj: {script: x}\nspec: {}", "unsupported-keyword"},
      {"a: {script: x}\n---\nb: {script: x}\n---\nc: {script: x}", "too-many-documents"},
      {"a: {script: x}\n\tb: 1", "yaml-syntax"},
      {"true: {script: x}", "invalid-value"},
      {"nil: {script: x}", "invalid-value"},
  };
  for (const Bad& bad : cases) {
    const Loaded loaded = load_text(bad.keywords);
    EXPECT_FALSE(loaded.definition) << bad.keywords;
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.keywords << "\n"
                                                             << text_of(loaded.diagnostics);
  }
}

TEST(Root, StagesHavePreAndPostAtTheirEnds) {
  const Loaded loaded = load_text("stages: [b, [.post, a], .pre, b]\nj: {script: x, stage: a}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(loaded.definition->stages, (Lines{".pre", "b", "a", ".post"}));
}

TEST(Root, EverythingWrongIsReportedAtOnceInOrder) {
  const Loaded loaded =
      load_text("a:\n  script: x\n  tags: t\nb:\n  image: [i]\nc:\n  script: x\n  stage: s\n");
  ASSERT_EQ(loaded.diagnostics.size(), 4U) << text_of(loaded.diagnostics);
  std::uint32_t line = 0;
  for (const Diagnostic& found : loaded.diagnostics) {
    EXPECT_GE(found.place.line, line);
    line = found.place.line;
  }
}

TEST(Root, AFaultInASharedPartIsReportedOnce) {
  const Loaded loaded = load_text("default: {tags: t}\na: {script: x}\nb: {script: x}\nc: {script: x}");
  EXPECT_EQ(loaded.diagnostics.size(), 1U) << text_of(loaded.diagnostics);
}

TEST(Checks, NeedsAndDependenciesKeepTheOrder) {
  const Bad cases[] = {
      {"a: {script: x, stage: build, needs: [b]}\nb: {script: x}", "need-later"},
      {"a: {script: x, stage: build, dependencies: [b]}\nb: {script: x}", "dependency-later"},
      {"a: {script: x, needs: [b]}\nb: {script: x, needs: [c]}\nc: {script: x, needs: [a]}", "needs-cycle"},
      {"a: {script: x, needs: [a]}", "needs-cycle"},
      {"b: {script: x}\na: {script: x, needs: [b, b]}", "duplicate-need"},
      {"b: {script: x}\nc: {script: x, stage: build}\na: {script: x, needs: [b], dependencies: [c]}",
       "dependency-not-needed"},
      {"a: {script: x, environment: {name: e, on_stop: b}}", "invalid-on-stop"},
      {"a: {script: x, environment: {name: e, on_stop: b}}\nb: {script: x, environment: e}",
       "invalid-on-stop"},
      {"b: {script: x}\na: {script: x, rules: [{needs: [none]}]}", "unknown-need"},
  };
  for (const Bad& bad : cases) {
    const Loaded loaded = load_text(bad.keywords);
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.keywords << "\n"
                                                             << text_of(loaded.diagnostics);
  }
  EXPECT_TRUE(
      load_text("b: {script: x}\na: {script: x, needs: [{job: none, optional: true}, b]}").definition);
  EXPECT_TRUE(load_text("a: {script: x, environment: {name: e, on_stop: b}}\n"
                        "b: {script: x, environment: {name: e, action: stop}}")
                  .definition);
}

TEST(Checks, FiftyNeedsAreAllowed) {
  const auto text = [](int count) {
    std::string out;
    std::string needs;
    for (int i = 0; i < count; ++i) {
      out += fmt::format("k{}: {{script: x}}\n", i);
      needs += fmt::format("k{},", i);
    }
    return out + "j: {script: x, needs: [" + needs + "]}";
  };
  EXPECT_TRUE(load_text(text(50)).definition);
  EXPECT_TRUE(testing::find(load_text(text(51)).diagnostics, "too-many-needs"));
}

TEST(Checks, FloodsOfFindingsAreCut) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += fmt::format("j{}: {{script: x, odd: 1}}\n", i);
  const Loaded loaded = load_text(text);
  EXPECT_FALSE(loaded.definition);
  EXPECT_LE(loaded.diagnostics.size(), 301U);
  EXPECT_TRUE(testing::find(loaded.diagnostics, "too-many-findings"));
}

}  // namespace
}  // namespace tidegate::config
