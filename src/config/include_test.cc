// Includes beyond the own repository: project, remote, template, component, and what may refuse them.
#include "config/include.h"

#include <gtest/gtest.h>

#include "config/component.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::codes;
using testing::find;
using testing::first_error;
using testing::job;
using testing::text_of;

using Files = std::map<std::string, std::string>;

/// A world of projects, each with one state whatever the ref, and URLs and templates by name.
struct World {
  Files own;
  std::map<std::string, Files> projects;
  Files remote;
  Files templates;
  std::vector<std::string> tags;
  std::vector<std::string> asked;

  Sources sources() {
    Sources out = testing::sources_of(own);
    out.project = [this](const ProjectRequest& request) -> Result<Repository> {
      asked.push_back(request.host + "/" + request.project + "@" + request.ref);
      const auto found = projects.find(request.project);
      if (found == projects.end()) return fail(Errc::kNotFound, "Project not found or access denied");
      const Sources there = testing::sources_of(found->second);
      return Repository{.project = request.project,
                        .label = request.project + "@" + request.ref,
                        .sha = "5ha",
                        .read = there.read,
                        .list = there.list};
    };
    out.tags = [this](const ProjectRequest&) -> Result<std::vector<std::string>> { return tags; };
    const auto text_of_file = [](const Files& files, const std::string& name) -> Result<std::string> {
      const auto found = files.find(name);
      if (found == files.end()) return fail(Errc::kNotFound, name + " does not exist");
      return found->second;
    };
    out.remote = [this, text_of_file](const std::string& url) { return text_of_file(remote, url); };
    out.template_file = [this, text_of_file](const std::string& name) {
      return text_of_file(templates, name);
    };
    return out;
  }

  Loaded load(const std::string& text) { return config::load(text, ".gitlab-ci.yml", sources()); }
};

std::string names(const Loaded& loaded) {
  std::string out;
  if (!loaded.definition) return text_of(loaded.diagnostics);
  for (const Job& one : loaded.definition->jobs) out += (out.empty() ? "" : " ") + one.name;
  return out;
}

TEST(IncludeProject, TakesOneFileOrSeveralAndTheirOwnLocalFiles) {
  World world;
  world.own = {{"part.yml", "wrong: {script: x}"}};
  world.projects["g/p"] = {{"a.yml", "include: [part.yml, 'more/*.yml']\na: {script: x}"},
                           {"b.yml", "b: {script: x}"},
                           {"part.yml", "part: {script: x}"},
                           {"more/c.yml", "c: {script: x}"}};
  EXPECT_EQ(names(world.load("include: {project: g/p, ref: v1, file: [/a.yml, b.yml]}")), "part c a b");
  EXPECT_EQ(world.asked, std::vector<std::string>{"/g/p@v1"}) << "a project is opened once";
}

TEST(IncludeProject, FindingsNameTheProjectsFileAndHowItCameIn) {
  World world;
  world.projects["g/p"] = {{"a.yml", "j:\n  script: x\n  tgas: [a]\n"}};
  const Loaded loaded = world.load("include:\n  - project: g/p\n    ref: v1\n    file: a.yml\n");
  const auto found = find(loaded.diagnostics, "unknown-keyword");
  ASSERT_TRUE(found) << text_of(loaded.diagnostics);
  EXPECT_EQ(found->place, (Place{.file = "g/p@v1:a.yml", .line = 3, .column = 3}));
  ASSERT_EQ(found->via.size(), 1U);
  EXPECT_EQ(found->via[0].place, (Place{.file = ".gitlab-ci.yml", .line = 4, .column = 11}));
}

TEST(IncludeProject, SaysWhatIsMissing) {
  World world;
  world.projects["g/p"] = {{"a.yml", "a: {script: x}"}};
  EXPECT_EQ(first_error(world.load("include: {project: g/q, file: a.yml}")), "include-not-found");
  EXPECT_EQ(first_error(world.load("include: {project: g/p, file: b.yml}")), "include-not-found");
  EXPECT_EQ(first_error(world.load("include: {project: g/p}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {project: g/p, file: []}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {project: g/p, file: a.txt}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {project: [g/p], file: a.yml}")), "invalid-type");
  EXPECT_EQ(first_error(world.load("include: {project: g/p, local: a.yml}")), "invalid-include");
}

TEST(IncludeRemote, ChecksTheDigest) {
  World world;
  world.remote = {{"https://h/a.yml", "a: {script: x}"}};
  EXPECT_EQ(names(world.load("include: https://h/a.yml")), "a");
  const auto with = [&](const std::string& integrity) {
    return first_error(world.load("include: {remote: 'https://h/a.yml', integrity: '" + integrity + "'}"));
  };
  EXPECT_EQ(with("sha256-" + testing::sha256_base64("a: {script: x}")), "");
  EXPECT_EQ(with("sha256-" + testing::sha256_base64("b: {script: x}")), "include-integrity");
  EXPECT_EQ(with("sha256-abc"), "invalid-include");
  EXPECT_EQ(with("sha1-abc"), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {local: a.yml, integrity: sha256-abc}")), "invalid-include");
}

TEST(IncludeRemote, HasNoProjectOfItsOwn) {
  World world;
  world.own = {{"own.yml", "own: {script: x}"}};
  world.projects["g/p"] = {{"a.yml", "a: {script: x}"}};
  world.templates = {{"T.gitlab-ci.yml", "t: {script: x}"}};
  world.remote = {{"https://h/local.yml", "include: own.yml\nl: {script: x}"},
                  {"https://h/project.yml", "include: {project: g/p, file: a.yml}\np: {script: x}"},
                  {"https://h/template.yml", "include: {template: T.gitlab-ci.yml}\nx: {script: x}"}};
  EXPECT_EQ(first_error(world.load("include: https://h/local.yml")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: https://h/project.yml")), "include-not-found");
  EXPECT_EQ(names(world.load("include: https://h/template.yml")), "t x");
  EXPECT_EQ(first_error(world.load("include: https://h/none.yml")), "include-not-found");
  EXPECT_EQ(first_error(world.load("include: {remote: 'ftp://h/a.yml'}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {local: own.yml, cache: true}")), "invalid-include");
}

TEST(IncludeTemplate, TakesNamesThatEndAsTemplatesDo) {
  World world;
  world.templates = {{"Jobs/A.gitlab-ci.yml", "a: {script: x}"}};
  EXPECT_EQ(names(world.load("include: {template: Jobs/A.gitlab-ci.yml}")), "a");
  EXPECT_EQ(first_error(world.load("include: {template: A.yml}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {template: B.gitlab-ci.yml}")), "include-not-found");
}

TEST(IncludeComponent, TakesTheFileOrTheFolderOfItsNameWithItsInputs) {
  World world;
  world.tags = {"1.0.0", "v1.2.3", "1.3.0-rc.1", "2.0.1", "nightly"};
  world.projects["g/p"] = {
      {"templates/build.yml",
       "spec: {inputs: {stage: {default: test}}, component: [name, version, reference, sha]}\n---\n"
       "'$[[ component.name ]] $[[ component.version ]]': {stage: '$[[ inputs.stage ]]', "
       "script: 'echo $[[ component.reference ]] $[[ component.sha ]]'}"},
      {"templates/deploy/template.yml", "include: /templates/build.yml\ndeploy: {script: x}"}};
  const Loaded loaded = world.load("include: [{component: host/g/p/build@1, inputs: {stage: build}}]");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job* build = job(loaded, "build v1.2.3");
  ASSERT_NE(build, nullptr) << names(loaded);
  EXPECT_EQ(build->stage, "build");
  EXPECT_EQ(build->script.at(0), "echo 1 5ha");
  EXPECT_EQ(world.asked, std::vector<std::string>{"host/g/p@v1.2.3"});
  EXPECT_EQ(first_error(world.load("include: {component: host/g/p/deploy@main}")), "unknown-input")
      << "the component's context does not reach a file that it includes";
  EXPECT_EQ(first_error(world.load("include: {component: host/g/p/none@main}")), "include-not-found");
  EXPECT_EQ(first_error(world.load("include: {component: host/g/p/build}")), "invalid-include");
  EXPECT_EQ(first_error(world.load("include: {component: build@1}")), "invalid-include");
}

TEST(Component, ChoosesTheGreatestReleaseThatFits) {
  const std::vector<std::string> tags = {"1.0.0", "1.10.0", "1.9.9", "2.0.0-rc.1", "v0.1.0", "x", "1.2"};
  EXPECT_EQ(choose_tag("~latest", tags), "1.10.0");
  EXPECT_EQ(choose_tag("1", tags), "1.10.0");
  EXPECT_EQ(choose_tag("1.9", tags), "1.9.9");
  EXPECT_EQ(choose_tag("0", tags), "v0.1.0");
  EXPECT_EQ(choose_tag("2", tags), std::nullopt);
  EXPECT_EQ(choose_tag("main", tags), std::nullopt);
  EXPECT_FALSE(needs_tags("1.0.0"));
  EXPECT_EQ(parse_component("h/a/b/c/name@v1@x")->project, "a/b/c");
  EXPECT_FALSE(parse_component("h/name@1"));
  EXPECT_EQ(parse_component("/a/name@1")->project, "a");
  EXPECT_FALSE(parse_component("/name@1"));
  EXPECT_FALSE(parse_component("h/a/name@"));
}

TEST(SpecInclude, DeclaresInputsFromOtherFilesOnce) {
  World world;
  world.own = {{"shared.yml", "inputs: {env: {options: [a, b]}}"}, {"jobs.yml", "j: {script: x}"}};
  const auto with = [&](const std::string& spec) {
    return world.load("spec: {" + spec + "}\n---\nj: {script: 'x$[[ inputs.env ]]'}");
  };
  EXPECT_EQ(first_error(with("include: [{local: shared.yml}]")), "missing-input");
  EXPECT_EQ(first_error(with("include: [{local: shared.yml}], inputs: {env: {default: c}}")),
            "duplicate-input");
  EXPECT_EQ(first_error(with("include: [{local: jobs.yml}]")), "invalid-include");
  EXPECT_EQ(first_error(with("include: [{local: shared.yml, inputs: {a: b}}]")), "unknown-keyword");
  Sources sources = world.sources();
  sources.inputs = {text_input("env", "b")};
  const Loaded loaded =
      load("spec: {include: [{local: shared.yml}]}\n---\nj: {script: 'x$[[ inputs.env ]]'}", "f", sources);
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "j")->script.at(0), "xb");
}

TEST(IncludeCycle, IsAFileThatIncludesItselfWithTheSameInputs) {
  World world;
  world.own = {{"same.yml",
                "spec: {inputs: {n: }}\n---\ninclude: {local: same.yml, inputs: {n: '$[[ inputs.n ]]'}}\n"},
               {"grow.yml",
                "spec: {inputs: {n: }}\n---\ninclude: {local: grow.yml, inputs: {n: 'x$[[ inputs.n ]]'}}\n"}};
  EXPECT_EQ(first_error(world.load("include: {local: same.yml, inputs: {n: a}}")), "include-cycle");
  EXPECT_EQ(first_error(world.load("include: {local: grow.yml, inputs: {n: a}}")), "too-many-includes");
}

TEST(IncludeRules, AreReadStrictly) {
  World world;
  world.own = {{"a.yml", "a: {script: x}"}};
  const auto with = [&](const std::string& rules) {
    return first_error(world.load("include: {local: a.yml, rules: " + rules + "}\nj: {script: x}"));
  };
  EXPECT_EQ(with("[{if: $A, when: null}]"), "");
  EXPECT_EQ(with("[{if: $A, when: on_success}]"), "invalid-value");
  EXPECT_EQ(with("[{if: $A, allow_failure: true}]"), "unknown-keyword");
  EXPECT_EQ(with("text"), "invalid-type");
}

}  // namespace
}  // namespace tidegate::config
