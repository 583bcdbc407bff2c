#include "pipeline/lints/lint.h"

#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "pipeline/lints/testing.h"

namespace tidegate::pipeline::lints {
namespace {

using config::testing::find;
using config::testing::text_of;
using testing::lint_text;

struct Fault {
  const char* code;
  const char* wrong;
  const char* right;
};

const testing::Files kFiles = {
    {"Dockerfile", "FROM python:3.11\nRUN pip install -r requirements.txt\nCOPY . .\n"},
    {"good.Dockerfile",
     "FROM python:3.11\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n"},
    {"requirements.txt", "numpy\n"},
    {"tested.Dockerfile", "FROM python:3.11\nRUN pip install pytest\n"},
};

const Fault kFaults[] = {
    // images
    {"image-without-tag", "j: {image: python, script: x}", "j: {image: 'python:3.11', script: x}"},
    {"image-without-tag", "j: {image: 'h:5000/team/app', script: x}", "j: {image: $IMAGE, script: x}"},
    {"image-latest", "j: {image: 'python:latest', script: x}",
     "j: {image: '$REGISTRY/app:latest', script: x}"},
    {"latest-before-test",
     "b: {stage: build, script: ['docker push $R:latest']}\nt: {stage: test, script: make}",
     "b: {stage: build, script: ['docker push $R:$CI_COMMIT_SHORT_SHA']}\nt: {stage: test, script: make}\n"
     "p: {stage: deploy, script: ['docker push $R:latest']}"},
    {"push-without-login",
     "b: {script: ['docker build -t $CI_REGISTRY_IMAGE .', 'docker push $CI_REGISTRY_IMAGE']}",
     "b: {before_script: ['docker login -u x'], script: ['docker push $CI_REGISTRY_IMAGE']}"},
    {"image-of-other-job",
     "b: {stage: build, script: ['docker build -t app .']}\nt: {script: ['docker run --rm app pytest']}",
     "b: {stage: build, script: ['docker build -t app .', 'docker push app']}\nt: {script: ['docker run app "
     "x']}"},
    {"dind-without-tls",
     "b: {image: 'docker:24', services: ['docker:24-dind'], variables: {DOCKER_HOST: 'tcp://docker:2375'}, "
     "script: docker ps}",
     "b: {image: 'docker:24', services: ['docker:24-dind'], variables: {DOCKER_HOST: 'tcp://docker:2375', "
     "DOCKER_TLS_CERTDIR: ''}, script: docker ps}"},
    // Dockerfiles
    {"install-before-copy", "b: {script: docker build -t app .}",
     "b: {script: docker build -t app -f good.Dockerfile .}"},
    {"pytest-not-there", "t: {image: 'python:3.11', script: [pytest train.py]}",
     "t: {image: 'python:3.11', before_script: [pip install pytest], script: [pytest train.py]}"},
    {"pytest-not-there", "b: {script: ['docker build -t app -f good.Dockerfile .', docker run app pytest]}",
     "b: {script: ['docker build -t app -f tested.Dockerfile .', docker run app pytest]}"},
    // shell
    {"folded-heredoc", "d:\n  script:\n    - ssh h <<EOF\n      cd /srv\n      EOF\n",
     "d:\n  script:\n    - |\n      ssh h <<EOF\n      cd /srv\n      EOF\n"},
    {"key-file-on-no-runner", "d: {script: ['ssh -i /home/me/key.pem host ls']}",
     "d: {script: ['echo \"$KEY\" > /tmp/key', 'chmod 600 /tmp/key', 'ssh -i /tmp/key host ls', 'ssh -i $K "
     "h']}"},
    {"upgrade-in-place", "d: {script: ['ssh host \"pip install --upgrade -r requirements.txt\"']}",
     "d: {script: ['ssh host \"systemctl status\"']}"},
    {"upgrade-in-place",
     "d:\n  script:\n    - |\n      ssh host <<EOF\n      pip install --upgrade x\n      EOF\n",
     "d:\n  image: a:1\n  script:\n    - pip install --upgrade pip\n"},
    {"download-into-shell", "j: {script: ['curl -fsSL https://x.example/i.sh | bash']}",
     "j: {script: ['curl -fsSL https://x.example/data | jq .', 'curl x | python3 -m json.tool']}"},
    {"apt-without-yes", "j: {script: [apt-get update && apt-get install jq]}",
     "j: {script: [apt-get install -y jq, apt-get -qqy install jq, apt-get update]}"},
    {"test-failure-ignored", "j: {script: ['pytest -q || true']}", "j: {script: ['rm x || true', pytest]}"},
    {"variable-lost-after-script", "j: {script: [export DIR=x, make], after_script: [rm -r $DIR]}",
     "j: {script: [export DIR=x, make], after_script: ['rm -r ${DIR:-y}']}"},
    // secrets
    {"secret-printed", "j: {script: [echo $DEPLOY_TOKEN]}",
     "j: {script: ['echo \"$DEPLOY_TOKEN\" | docker login', 'echo $X_TOKEN > f', 'echo $TOKEN_URL', 'ssh-add "
     "<(echo \"$SSH_PRIVATE_KEY\")']}"},
    {"secret-in-arguments", "j: {script: ['docker login -u x -p $CI_REGISTRY_PASSWORD']}",
     "j: {script: ['echo \"$CI_REGISTRY_PASSWORD\" | docker login -u x --password-stdin']}"},
    {"environment-printed", "j: {script: [printenv]}", "j: {script: ['env | grep CI_', 'printenv CI']}"},
    {"host-not-verified", "j: {script: ['ssh -o StrictHostKeyChecking=no h ls']}", "j: {script: [ssh h ls]}"},
    // rules
    {"job-never-created", "j: {script: x, rules: [{if: $A, when: never}]}\nk: {script: x}",
     "j: {script: x, rules: [{if: $A}]}"},
    {"job-never-created",
     "j: {script: x, rules: [{if: '$CI_COMMIT_TAG && $CI_COMMIT_BRANCH == \"main\"'}]}\nk: {script: x}",
     "j: {script: x, rules: [{if: '$CI_COMMIT_TAG || $CI_COMMIT_BRANCH == \"main\"'}]}"},
    {"rule-never-matches", "j: {script: x, rules: [{when: always}, {if: $A, when: never}]}",
     "j: {script: x, rules: [{if: $A, when: never}, {when: always}]}"},
    {"constant-condition", "j: {script: x, rules: [{if: '$A == \"x\" || \"y\"'}]}",
     "j: {script: x, rules: [{if: '$A == \"x\" || $A == \"y\"'}]}"},
    {"need-not-there",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_TAG}]}\nb: {needs: [a], script: x, rules: [{when: "
     "always}]}",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_TAG}]}\nb: {needs: [a], script: x, rules: [{if: "
     "$CI_COMMIT_TAG}]}"},
    // Two conditions that exclude each other; a push that changes nothing of these; another branch.
    {"need-not-there",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_TAG}]}\nb: {needs: [a], script: x, rules: [{if: "
     "'$CI_COMMIT_BRANCH == \"main\"'}]}",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_BRANCH}]}\nb: {needs: [a], script: x, rules: "
     "[{if: "
     "'$CI_COMMIT_BRANCH == \"main\"'}]}"},
    {"need-not-there",
     "a: {stage: build, script: x, rules: [{changes: [src/**]}]}\nb: {needs: [a], script: x}",
     "a: {stage: build, script: x, rules: [{changes: [src/**]}]}\nb: {needs: [a], script: x, rules: "
     "[{changes: [src/**]}]}"},
    {"need-not-there",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}\nb: {needs: [a], "
     "script: x}",
     "a: {stage: build, script: x, rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}\nb: {needs: "
     "[{job: "
     "a, optional: true}], script: x}"},
    {"need-not-there", "a: {stage: build, script: x, only: [main]}\nb: {needs: [a], script: x}",
     "a: {stage: build, script: x, only: [branches]}\nb: {needs: [a], script: x}"},
    {"need-not-there", "a: {stage: build, script: x, only: [main]}\nb: {needs: [a], script: x}",
     "workflow: {rules: [{if: '$CI_COMMIT_BRANCH == \"main\"'}]}\na: {stage: build, script: x, rules: [{if: "
     "'$CI_COMMIT_BRANCH == \"main\"'}]}\nb: {needs: [a], script: x}"},
    {"duplicate-pipelines", "j: {script: x, rules: [{when: always}]}",
     "workflow: {rules: [{if: $CI_COMMIT_BRANCH}]}\nj: {script: x, rules: [{when: always}]}"},
    {"changes-always-true",
     "j: {script: x, rules: [{changes: [src/**]}]}\nk: {script: x, rules: [{if: '$CI_PIPELINE_SOURCE == "
     "\"schedule\"'}]}",
     "j: {script: x, rules: [{if: '$CI_PIPELINE_SOURCE == \"push\"', changes: [src/**]}]}\nk: {script: x, "
     "rules: [{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]}"},
    {"glob-never-matches", "j: {script: x, rules: [{changes: [./src/**]}]}",
     "j: {script: x, rules: [{changes: [src/**]}]}"},
    {"only-with-rules", "a: {script: x, only: [main]}\nb: {script: x, rules: [{when: always}]}",
     "a: {script: x, only: [main]}\nb: {script: x, except: [main]}"},
    // artifacts, caches
    {"artifact-not-made", "j: {script: [mkdir out, echo a > out/b], artifacts: {paths: [dist/]}}",
     "j: {script: [mkdir out, make], artifacts: {paths: [dist/]}}"},
    {"artifact-outside", "j: {script: make, artifacts: {paths: [/tmp/x]}}",
     "j: {script: make, artifacts: {paths: [tmp/x, $CI_PROJECT_DIR/y]}}"},
    {"dependency-without-artifacts", "a: {stage: build, script: x}\nb: {script: x, dependencies: [a]}",
     "a: {stage: build, script: x, artifacts: {paths: [o]}}\nb: {script: x, dependencies: [a]}"},
    {"need-may-fail",
     "a: {stage: build, script: x, allow_failure: true, artifacts: {paths: [o]}}\nb: {script: x, needs: [a]}",
     "a: {stage: build, script: x, allow_failure: true, artifacts: {paths: [o], when: always}}\nb: {script: "
     "x, "
     "needs: [a]}"},
    {"cache-never-hits", "j: {script: x, cache: {key: $CI_PIPELINE_ID, paths: [c]}}",
     "j: {script: x, cache: {key: $CI_COMMIT_REF_SLUG, paths: [c]}}"},
    {"cache-without-paths", "j: {script: x, cache: {key: k}}", "j: {script: x, cache: []}"},
    {"cache-outside", "j: {script: x, cache: {paths: [~/.cache/pip]}}",
     "j: {script: x, cache: {paths: [.cache/pip, $CI_PROJECT_DIR/y]}}"},
    {"cache-not-filled", "j: {script: [pip install x], cache: {paths: [.cache/pip]}}",
     "variables: {PIP_CACHE_DIR: $CI_PROJECT_DIR/.cache/pip}\nj: {script: [pip install x], cache: {paths: "
     "[.cache/pip]}}"},
    {"cache-not-filled", "j: {script: [pip install x], cache: {paths: [./.cache/pip/]}}",
     "j: {script: [pip install --cache-dir .cache/pip x], cache: {paths: [.cache/pip]}}"},
    // deployments
    {"deploy-before-test",
     "b: {stage: build, script: make}\nt: {script: pytest}\nd: {stage: deploy, script: x, needs: [b], "
     "environment: live}",
     "b: {stage: build, script: make}\nt: {script: pytest, needs: [b]}\nd: {stage: deploy, script: x, needs: "
     "[b, t], environment: live}"},
    // A flow beside another: its test is another's. A job without needs that waits for the stage.
    {"deploy-before-test",
     "b: {stage: build, script: make}\nt: {script: pytest, needs: [b]}\nd: {stage: deploy, script: twine "
     "upload x, needs: [b]}",
     "b: {stage: build, script: make}\nc: {stage: build, script: make}\nt: {script: pytest, needs: [b]}\nd: "
     "{stage: deploy, script: twine upload x, needs: [c]}"},
    {"deploy-before-test", "t: {script: pytest}\nd: {stage: deploy, script: x, needs: [], environment: live}",
     "stages: [test, pack, deploy]\nt: {script: pytest}\np: {stage: pack, script: x}\nd: {stage: deploy, "
     "script: x, needs: [p], environment: live}"},
    {"deploy-despite-failure",
     "t: {script: pytest}\nd: {stage: deploy, script: x, environment: live, rules: [{if: $CI_COMMIT_TAG, "
     "when: always}]}",
     "t: {script: pytest}\nd: {stage: deploy, script: x, environment: live, rules: [{if: $CI_COMMIT_TAG}]}\n"
     "n: {stage: deploy, script: x, when: always}"},
    {"deploy-despite-failure",
     "t: {script: pytest}\nd: {stage: deploy, script: twine upload x, needs: [t], when: always}",
     "d: {script: x, environment: live, when: always}"},
    {"deploy-untested",
     "t: {script: pytest, allow_failure: true}\nd: {stage: deploy, script: x, environment: live}",
     "t: {script: pytest, allow_failure: true}\nu: {script: ctest}\nd: {stage: deploy, script: x, "
     "environment: live}"},
    {"publish-from-any-branch", "j: {script: ['docker push $CI_REGISTRY_IMAGE:latest']}",
     "j: {script: ['docker push $CI_REGISTRY_IMAGE:latest'], rules: [{if: $CI_COMMIT_BRANCH == "
     "$CI_DEFAULT_BRANCH}]}\nk: {script: ['docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA']}"},
    {"publish-from-any-branch", "j: {script: twine upload dist/*, rules: [{if: $CI_COMMIT_BRANCH}]}",
     "j: {script: twine upload dist/*, only: [tags]}\nk: {script: [npm publish], when: manual}"},
    {"publish-from-any-branch", "j: {script: ./deploy, environment: production}",
     "j: {script: tidegate deploy training, environment: production}"},
    {"nothing-to-fail", "j: {stage: build, script: x, when: on_failure}\nk: {script: x}",
     "j: {stage: build, script: x}\nk: {script: x, when: on_failure}"},
    {"nothing-to-fail", "j: {stage: build, script: x}\nk: {script: x, needs: [], when: on_failure}",
     "j: {stage: build, script: x}\nk: {stage: build, script: x, needs: [j], when: on_failure}"},
    {"manual-blocks", "a: {stage: build, script: x, rules: [{when: manual}]}\nb: {script: x}",
     "a: {stage: build, script: x, rules: [{when: manual, allow_failure: true}]}\nb: {script: x}"},
    {"deploy-interruptible", "d: {script: x, environment: live, interruptible: true}",
     "d: {script: x, environment: live}\nt: {script: x, interruptible: true}"},
    {"deploy-retried", "d: {script: x, environment: live, retry: 2}",
     "d: {script: x, environment: live, retry: {max: 2, when: runner_system_failure}}"},
    {"deploy-not-alone", "d: {script: ssh h x, environment: production}",
     "d: {script: ssh h x, environment: production, resource_group: production}"},
    {"review-never-stops", "d: {script: x, environment: {name: review/$CI_COMMIT_REF_SLUG}}",
     "d: {script: x, environment: {name: review/$CI_COMMIT_REF_SLUG, auto_stop_in: 1 week}}"},
    // text
    {"scalar-altered", "variables: {PYTHON: 3.10}\nj: {script: x}",
     "variables: {PYTHON: '3.10'}\nj: {script: x}"},
    {"scalar-altered", "j: {script: x, variables: {MODE: 0755}}", "j: {script: x, variables: {MODE: 755}}"},
    {"unused-hidden-job", ".base: {tags: [a]}\nj: {script: x}",
     ".base: {tags: [a]}\n.more: &m {x: 1}\n.r: {s: [x]}\nj: {extends: .base, variables: {<<: *m}, script: "
     "!reference [.r, s]}"},
    {"unused-anchor", "j: &j {script: x}", "j: &j {script: x}\nk: *j"},
};

TEST(Lints, SeeEachFaultAndNotItsRightForm) {
  for (const Fault& fault : kFaults) {
    EXPECT_TRUE(find(lint_text(fault.wrong, kFiles), fault.code)) << fault.code << "\n" << fault.wrong;
    const auto good = lint_text(fault.right, kFiles);
    EXPECT_FALSE(find(good, fault.code)) << fault.right << "\n" << text_of(good);
    EXPECT_FALSE(config::has_errors(config::testing::load_text(fault.wrong).diagnostics)) << fault.wrong;
  }
}

TEST(Lints, EachHasAScenario) {
  std::set<std::string> tried;
  for (const Fault& fault : kFaults) tried.insert(fault.code);
  for (const std::string& code : lint_codes()) EXPECT_TRUE(tried.contains(code)) << code;
}

TEST(Lints, NameJobLineAndWay) {
  const auto found = lint_text(".base:\n  script:\n    - make\n    - printenv\njob:\n  extends: .base\n");
  ASSERT_EQ(found.size(), 1U) << text_of(found);
  EXPECT_EQ(found[0].place.line, 4U);
  EXPECT_EQ(found[0].job, "job");
  ASSERT_EQ(found[0].via.size(), 1U);
  EXPECT_EQ(found[0].via[0].what, "extends .base");
  EXPECT_EQ(found[0].severity, config::Severity::kWarning);
}

TEST(Lints, SayAtMostFiftyOfAKind) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "j" + std::to_string(i) + ": {image: app" + std::to_string(i) + ", script: x}\n";
  EXPECT_EQ(lint_text(text).size(), 50U);
}

TEST(Lints, TakeScriptsOfAnyShape) {
  for (const char* script :
       {"", "<<", "a <<", "a << 'E", "a <<E\n", "ssh <<E\npip", "$(", "| | |", "&>", "2>&1", "docker build",
        "docker push", "apt-get install", "export", "curl |", "echo ${"})
    lint_text(std::string("j:\n  image: python:3\n  script: ['") + config::testing::text_of({}) +
              (std::string(script).contains('\'') ? "x" : script) + "']\n");
}

/// `count` times what `one` says for 0, 1, 2, …
std::string times(int count, const std::function<std::string(const std::string&)>& one) {
  std::string text;
  for (int i = 0; i < count; ++i) text += one(std::to_string(i));
  return text;
}

// Each of these took minutes or more when a lint looked at all lines, words or jobs for each line, word or
// job. Whoever brings that back will wait for this test.
TEST(Lints, TakeInputsOfAnySize) {
  using S = const std::string&;
  const std::string script = "j:\n  image: python:3\n  script:\n    - '";
  const std::string inputs[] = {
      script + times(10'000, [](S i) { return "echo $X_TOKEN" + i + "; "; }) + "'\n",
      script + times(10'000, [](S i) { return "echo $X" + i + "; env | x; "; }) + "'\n",
      script + times(10'000, [](S i) { return "ssh -i /k" + i + " h x; echo a > /k" + i + "; "; }) + "'\n",
      script + times(8'000, [](S i) { return "apt-get install x" + i + "; pytest x; "; }) + "'\n",
      script + "docker build " + times(30'000, [](S i) { return "-t a" + i + " "; }) + ".; docker run " +
          times(30'000, [](S i) { return "b" + i + " "; }) + "pytest'\n",
      "j:\n  script:\n" + times(8'000, [](S i) { return "    - export N" + i + "=x\n"; }) +
          "  after_script:\n" + times(8'000, [](S i) { return "    - echo $N" + i + " M" + i + "=x\n"; }),
      "j:\n  artifacts: {paths: [" + times(8'000, [](S i) { return "d" + i + "/, "; }) + "]}\n  script:\n" +
          times(8'000, [](S i) { return "    - touch d" + i + "\n"; }),
      "j:\n  script: x\n  rules:\n" +
          times(15'000,
                [](S i) { return "    - if: $CI_COMMIT_TAG && $CI_COMMIT_BRANCH == \"" + i + "\"\n"; }),
      times(1'500, [](S i) { return "t" + i + ": {script: pytest, needs: []}\n"; }) +
          times(3'000,
                [](S i) {
                  return "d" + i + ": {stage: deploy, script: x, environment: live, needs: [" +
                         (i == "0" ? "" : "d" + std::to_string(std::stoi(i) - 1)) + "]}\n";
                }),
      "j: {stage: deploy, script: x, needs: []}\n" +
          times(5'000, [](S i) { return "m" + i + ": {script: x, rules: [{when: manual}]}\n"; }),
  };
  for (const std::string& input : inputs)
    EXPECT_LE(lint_text(input).size(), 150U) << input.substr(0, 100) << "\n" << text_of(lint_text(input));
}

TEST(Lints, ReadDockerfilesOnceAndNotWithoutEnd) {
  const std::string dockerfile = "FROM python:3\n" + times(4'000, [](const std::string& i) {
                                   return "RUN pip install -r r" + i + "\n";
                                 });
  int reads = 0;
  config::Sources sources;
  sources.read = [&](const std::string&) { return ++reads, std::optional(dockerfile); };
  const auto loaded = config::testing::load_text(times(200, [](const std::string& i) {
    return "j" + i + ": {script: ['docker build -t a" + i + " d" + i + "/', 'docker run a" + i +
           " pytest']}\n";
  }));
  EXPECT_EQ(lint(loaded, sources).size(), 50U);
  EXPECT_LE(reads, 300);
}

struct Off {
  const char* text;
  std::size_t left;
};

TEST(LintSwitches, ByCodeAndByComment) {
  const Off cases[] = {
      {"j:\n  script:\n    - printenv\n", 1},
      {"j:\n  script:\n    - printenv  # tidegate-lint: disable=environment-printed\n", 0},
      {"j:\n  script:\n    # tidegate-lint: disable=environment-printed\n    # for the log\n    - printenv\n",
       0},
      {"j:\n  script:\n    # tidegate-lint: disable=secret-printed\n    - printenv\n", 1},
      {"j:\n  script:\n    # tidegate-lint: disable=secret-printed,environment-printed\n    - printenv\n", 0},
      {"j:\n  script:\n    # tidegate-lint: disable=all\n    - make\n    - printenv\n", 1},
      {"# tidegate-lint: disable-file=environment-printed\nj:\n  script:\n    - printenv\n", 0},
  };
  for (const Off& one : cases) {
    const testing::Files files = {{".gitlab-ci.yml", one.text}};
    config::Sources sources;
    sources.read = [&](const std::string& path) -> std::optional<std::string> {
      return files.contains(path) ? std::optional(files.at(path)) : std::nullopt;
    };
    auto found = lint_text(one.text);
    drop_disabled(found, {}, sources);
    EXPECT_EQ(found.size(), one.left) << one.text;
    drop_disabled(found, {"environment-printed"}, sources);
    EXPECT_TRUE(found.empty());
  }
}

TEST(LintSwitches, TakeAnyNumberOfComments) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "# tidegate-lint: disable=environment-printed\n";
  text += "j: {script: printenv}\n";
  config::Sources sources;
  sources.read = [&](const std::string&) { return std::optional(text); };
  config::Diagnostics found = {{.severity = config::Severity::kWarning,
                                .code = "environment-printed",
                                .message = "",
                                .place = {.file = "f", .line = 30'001, .column = 1},
                                .hint = ""}};
  drop_disabled(found, {}, sources);
  EXPECT_TRUE(found.empty());
}

TEST(LintSwitches, LeaveErrors) {
  config::Diagnostics found = {
      {.severity = config::Severity::kError, .code = "a-b", .message = "", .place = {}, .hint = ""}};
  drop_disabled(found, {"all", "a-b"}, {});
  EXPECT_EQ(found.size(), 1U);
}

}  // namespace
}  // namespace tidegate::pipeline::lints
