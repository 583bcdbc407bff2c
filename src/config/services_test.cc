// cache, release, pages, id_tokens, secrets, hooks, run, inputs: what is read and what is refused.
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::job;
using testing::load_text;
using testing::text_of;
using Lines = std::vector<std::string>;

Loaded load_keywords(const std::string& keywords, const std::string& work = "script: x") {
  return load_text("j:\n  " + work + "\n  " + keywords + "\n");
}

TEST(Services, ReadsWhatAJobAsksFor) {
  const Loaded loaded = load_text(R"(
default:
  id_tokens: {FROM_DEFAULT: {aud: https://d}}
  hooks: {pre_get_sources_script: [a, [b]]}
j:
  script: x
  cache: {key: {files_commits: [/lock], prefix: p}, paths: [x]}
  secrets:
    A: {vault: team/db/password@kv}
    B: {azure_key_vault: {name: n, version: "1"}, file: false}
    C: {gcp_secret_manager: {name: n, version: 1}, token: $T}
  release:
    tag_name: v1
    description: d
    milestones: m
    released_at: "2021-03-15T08:00:00Z"
    assets: {links: [{name: n, url: "https://u", filepath: /f, link_type: package}]}
  pages: {publish: dist}
  manual_confirmation: sure?
  inputs: {n: {type: number, default: 3}, l: {type: array, default: [a, 'b"', 1]}}
k:
  script: x
  id_tokens: {OWN: {aud: [x, y]}}
pages: {script: x}
r:
  run: [{name: one, script: echo $A, env: {A: b}}]
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_EQ(j.id_tokens, (std::vector<IdToken>{{"FROM_DEFAULT", {"https://d"}}}));
  EXPECT_EQ(j.pre_get_sources_script, (Lines{"a", "b"}));
  EXPECT_EQ(j.cache.at(0).key_files_commits, Lines{"lock"});
  EXPECT_EQ(j.secrets,
            (std::vector<SecretRequest>{
                {"A", "vault", true}, {"B", "azure_key_vault", false}, {"C", "gcp_secret_manager", true}}));
  ASSERT_TRUE(j.release);
  EXPECT_EQ(j.release->milestones, Lines{"m"});
  EXPECT_EQ(j.release->links, (std::vector<ReleaseLink>{{"n", "https://u", "/f", "package"}}));
  EXPECT_EQ(j.publish, "dist");
  EXPECT_EQ(j.manual_confirmation, "sure?");
  ASSERT_EQ(j.inputs.size(), 2U);
  EXPECT_EQ(j.inputs[0].value, "3");
  EXPECT_EQ(j.inputs[1].value, R"(["a","b\"",1])");
  EXPECT_EQ(job(loaded, "k")->id_tokens, (std::vector<IdToken>{{"OWN", {"x", "y"}}}));
  EXPECT_EQ(job(loaded, "pages")->publish, "public");
  ASSERT_EQ(job(loaded, "r")->run.size(), 1U);
  EXPECT_EQ(job(loaded, "r")->run[0].env.at(0).value, "b");
}

TEST(Services, SaysThatSecretStoresAreNotAsked) {
  const Loaded loaded = load_keywords("secrets: {A: {vault: a/b}}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const auto found = testing::find(loaded.diagnostics, "unsupported-keyword");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->severity, Severity::kWarning);
  EXPECT_NE(found->hint.find("file"), std::string::npos);
}

struct Case {
  const char* keywords;
  const char* code;
};

constexpr Case kRefusedParts[] = {
    {"artifacts: {reports: {coverage_report: {path: p}}}", "missing-keyword"},
    {"artifacts: {reports: {coverage_report: {coverage_format: lcov, path: p}}}", "invalid-value"},
    {"artifacts: {reports: {coverage_report: {coverage_format: jacoco}}}", "missing-keyword"},
    {"cache: {key: {files: [a], files_commits: [b]}}", "keyword-conflict"},
    {"cache: {key: {files: []}}", "invalid-value"},
    {"cache: {key: {files: [a, b, c, d, e, f, g, h, i, j, k]}}", "invalid-value"},
    {"cache: {fallback_keys: [a, b, c, d, e, f]}", "invalid-value"},
    {"cache: {fallback_keys: [a/b]}", "invalid-value"},
    {"cache: {policy: push-pull}", "invalid-value"},
    {"release: {tag_name: v1}", "missing-keyword"},
    {"release: {description: d}", "missing-keyword"},
    {"release: {tag_name: v, description: d, released_at: tomorrow}", "invalid-value"},
    {"release: {tag_name: v, description: d, ref: 'a b'}", "invalid-value"},
    {"release: {tag_name: v, description: d, assets: {links: [{name: n}]}}", "missing-keyword"},
    {"release: {tag_name: v, description: d, assets: {links: [{name: n, url: u, link_type: zip}]}}",
     "invalid-value"},
    {"release: {tag_name: v, description: d, assets: {links: []}}", "missing-keyword"},
    {"release: {tag_name: v, description: d, assets: {links: [{name: '', url: 'https://u'}]}}",
     "missing-keyword"},
    {"release: {tag_name: v, description: d, assets: {links: [{name: n, url: u}]}}", "invalid-value"},
    {"release: {tag: v}", "unknown-keyword"},
    {"id_tokens: {T: {aud: []}}", "missing-keyword"},
    {"id_tokens: {T: {sub: x}}", "missing-keyword"},
    {"id_tokens: {T: {aud: x, sub: y}}", "unknown-keyword"},
    {"id_tokens: [T]", "invalid-type"},
    {"secrets: {A: {token: $T}}", "missing-keyword"},
    {"secrets: {A: {vault: a/b, azure_key_vault: {name: n}}}", "missing-keyword"},
    {"secrets: {A: {vault: {path: p}}}", "missing-keyword"},
    {"secrets: {A: {vault: {path: p, field: f, engine: {path: kv}}}}", "missing-keyword"},
    {"secrets: {A: {gcp_secret_manager: {name: n}}}", "missing-keyword"},
    {"secrets: {A: {azure_key_vault: {version: v}}}", "missing-keyword"},
    {"secrets: {A: {azure_key_vault: {name: n, version: 1}}}", "invalid-type"},
    {"secrets: {A: {aws_secrets_manager: {secret_id: true}}}", "invalid-type"},
    {"secrets: {A: {gcp_secret_manager: {name: n, version: true}, token: $T}}", "invalid-type"},
    {"secrets: {A: {vault: {path: p, field: f, engine: {name: 1, path: kv}}}}", "invalid-type"},
    {"secrets: {A: {gitlab_secrets_manager: {name: a/b}}}", "invalid-value"},
    {"secrets: {A: {keepass: x}}", "unknown-keyword"},
    {"retry: {max: 1, exit_codes: [3, 4, 3]}", "invalid-value"},
    {"hooks: {post_get_sources_script: [x]}", "unknown-keyword"},
    {"hooks: {pre_get_sources_script: true}", "invalid-type"},
    {"identity: aws", "invalid-value"},
    {"dast_configuration: {dast_profile: x}", "unknown-keyword"},
    {"manual_confirmation: [x]", "invalid-type"},
    {"pages: text", "invalid-type"},
    {"inputs: {a: {type: object, default: {}}}", "invalid-value"},
    {"inputs: {a: {type: number, default: x}}", "invalid-type"},
    {"pages: {path_prefix: [x]}", "invalid-type"},
    {"pages: {expire_in: soon}", "invalid-value"},
    {"inputs: {a: {type: string}}", "missing-keyword"},
    {"inputs: {a: {default: x, options: [y, z]}}", "invalid-input"},
    {"inputs: {a: {type: number, default: 1, options: ['1']}}", "invalid-input"},
    {"inputs: {a: {type: array, default: [x, w], options: [x, y]}}", "invalid-input"},
    {"inputs: {a: {default: x, options: [x, ~]}}", "invalid-type"},
    {"inputs: {a: {default: x, options: [x, [y]]}}", "invalid-type"},
    {"inputs: {a: {default: x, regex: [x]}}", "invalid-type"},
    {"inputs: {a: {default: x, description: true}}", "invalid-type"},
    {"artifacts: {paths: [a], expose_as: ' a'}", "invalid-value"},
    {"artifacts: {paths: [a], expose_as: a.b}", "invalid-value"},
    {"artifacts: {paths: [a], access: all, public: true}", "keyword-conflict"},
    {"run: [{name: a, script: x}]", "keyword-conflict"},
    {"environment: {name: e, auto_stop_in: soon}", "invalid-value"},
    {"environment: {name: e, action: begin}", "invalid-value"},
    {"environment: {name: e, kubernetes: agent}", "invalid-type"},
    {"environment: {name: e, kubernetes: {agent: 1}}", "invalid-type"},
    {"environment: {name: e, kubernetes: {cluster: c}}", "unknown-keyword"},
    {"environment: {name: e, kubernetes: {agent: a, flux_resource_path: p}}", "missing-keyword"},
    {"environment: {name: e, kubernetes: {namespace: n, flux_resource_path: p}}", "missing-keyword"},
};

TEST(Services, RefusesWhatGitLabRefuses) {
  for (const Case& bad : kRefusedParts) {
    const Loaded loaded = load_keywords(bad.keywords);
    EXPECT_FALSE(loaded.definition) << bad.keywords;
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.keywords << "\n"
                                                             << text_of(loaded.diagnostics);
  }
}

TEST(Services, RefusesStepsThatAreNone) {
  const Case cases[] = {
      {"run: []", "invalid-value"},
      {"run: text", "invalid-type"},
      {"run: [{script: x}]", "missing-keyword"},
      {"run: [{name: a}]", "missing-keyword"},
      {"run: [{name: a, script: x, step: y}]", "missing-keyword"},
      {"run: [{name: a, script: [x]}]", "invalid-type"},
      {"run: [{name: a, script: ''}]", "invalid-value"},
      {"run: [{name: 'a b', script: x}]", "invalid-value"},
      {"run: [{name: 1a, script: x}]", "invalid-value"},
      {"run: [{name: a, script: x, env: {'1A': b}}]", "invalid-value"},
      {"run: [{name: a, script: x, env: {A: 1}}]", "invalid-type"},
      {"run: [{name: a, script: x, inputs: {b: c}}]", "keyword-conflict"},
      {"run: [{name: a, step: gitlab.com/x/y}]", "unsupported-keyword"},
      {"run: [{name: a, script: 'echo ${{ job.X }}'}]", "unsupported-keyword"},
  };
  for (const Case& bad : cases) {
    const Loaded loaded = load_keywords(bad.keywords, "tags: []");
    EXPECT_FALSE(loaded.definition) << bad.keywords;
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.keywords << "\n"
                                                             << text_of(loaded.diagnostics);
  }
}

TEST(Services, TakesWhatIsKnownWhenTheJobRuns) {
  const char* cases[] = {
      "environment: {name: e, auto_stop_in: $DAYS}",
      "environment: {name: e, auto_stop_in: never}",
      "release: {tag_name: $T, description: d, released_at: $WHEN, ref: $CI_COMMIT_SHA}",
      "cache: {policy: $POLICY, key: $CI_COMMIT_REF_SLUG}",
      "release: {tag_name: t, description: d, assets: {links: [{name: n, url: $PLACE}]}}",
      "environment: {name: e, kubernetes: {agent: $AGENT, namespace: n, flux_resource_path: p}}",
      "environment: {name: e, kubernetes: {agent: a, managed_resources: {enabled: true}}}",
      "environment: {name: e, kubernetes: {agent: a, dashboard: {namespace: n, flux_resource_path: p}}}",
      "inputs: {a: {type: array, default: [x], options: [x, y]}}",
      "inputs: {b: {type: number, default: 1, options: [1.0, 2]}}",
      "pages: {path_prefix: $CI_COMMIT_BRANCH, expire_in: 1 week}",
      "pages: {expire_in: never}",
      "pages: false",
      "artifacts: {reports: {coverage_report: }}",
  };
  for (const char* keywords : cases) {
    const Loaded loaded = load_keywords(keywords);
    EXPECT_TRUE(loaded.definition) << keywords << "\n" << text_of(loaded.diagnostics);
  }
}

}  // namespace
}  // namespace tidegate::config
