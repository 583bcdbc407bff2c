#include "config/project_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace tidegate::config {
namespace {

// A quiet time of nothing is a wish of its own; in a pipeline's keywords it is no duration.
TEST(ProjectFile, TakesDataAtOnceWithoutAQuietTime) {
  for (const char* quiet : {"0s", "0"}) {
    const auto loaded = load_project_file(fmt::format(
        "data: {{a: {{source: s3://bucket/, ready: {{quiet: {}}}, bind: [{{file: x}}]}}}}", quiet));
    EXPECT_TRUE(loaded.diagnostics.empty()) << testing::text_of(loaded.diagnostics);
    ASSERT_EQ(loaded.file.data.size(), 1U);
    EXPECT_EQ(loaded.file.data[0].quiet, Seconds{0});
  }
}

TEST(ProjectFile, ReadsEveryKey) {
  const auto loaded = load_project_file(R"(
data:
  training:
    source: s3://team-data/training/
    include: ["*.jsonl"]
    ready: { quiet: 2s }
    bind: [{ file: train.py, name: DATA_PATH }, { file: a.py, marker: data }, { file: data.lock.json }]
    branch: main
targets:
  training: { host: ssh://ec2-user@ec2-a:2222, path: /srv/training, releases: [bert, ko-bart], image: training,
              from: /opt/r, files: [train.py, models/], env: shared/mlflow.env, python: python3.11,
              smoke: "python train.py --smoke", check: "python train.py --check", check_timeout: 60s, mlflow: true,
              keep: 5 }
graphs:
  curriculum: { data: training, neo4j: "http://127.0.0.1:7474", golden: golden.json, keep: 2 }
)");
  EXPECT_TRUE(loaded.diagnostics.empty()) << testing::text_of(loaded.diagnostics);
  ASSERT_EQ(loaded.file.data.size(), 1U);
  const DataSource& data = loaded.file.data[0];
  EXPECT_EQ(data.quiet, Seconds{2});
  ASSERT_EQ(data.bind.size(), 3U);
  EXPECT_EQ(data.bind[0].name, "DATA_PATH");
  EXPECT_EQ(data.bind[1].marker, "data");
  EXPECT_EQ(data.place.line, 3U);
  ASSERT_EQ(loaded.file.targets.size(), 1U);
  const Target& target = loaded.file.targets[0];
  EXPECT_EQ(target.hosts, std::vector<std::string>{"ssh://ec2-user@ec2-a:2222"});
  EXPECT_EQ(target.releases, (std::vector<std::string>{"bert", "ko-bart"}));
  EXPECT_EQ(target.check_timeout, Seconds{60});
  EXPECT_TRUE(target.mlflow);
  EXPECT_EQ(target.keep, 5);
  ASSERT_EQ(loaded.file.graphs.size(), 1U);
  EXPECT_EQ(loaded.file.graphs[0].data, "training");
}

TEST(ProjectFile, ReadsTheModelsThatFollowATarget) {
  const std::string head = "targets: { t: { host: \"ssh://h\", path: /srv, releases: [a], mlflow: ";
  const auto with = [&](const std::string& mlflow) { return load_project_file(head + mlflow + " } }\n"); };
  const auto all = with("{ models: [coach, ko-coach], champion: live, previous: before }");
  EXPECT_TRUE(all.diagnostics.empty()) << testing::text_of(all.diagnostics);
  const Target& target = all.file.targets.at(0);
  EXPECT_TRUE(target.mlflow);
  EXPECT_EQ(target.models, (std::vector<std::string>{"coach", "ko-coach"}));
  EXPECT_EQ(target.champion + "/" + target.previous, "live/before");
  const auto one = with("{ models: coach }");
  EXPECT_EQ(one.file.targets.at(0).models, std::vector<std::string>{"coach"});
  EXPECT_EQ(one.file.targets.at(0).champion + "/" + one.file.targets.at(0).previous, "champion/previous");
  EXPECT_FALSE(with("false").file.targets.at(0).mlflow);
  for (const char* bad : {"{ models: [\"a'b\"] }", "{ models: [a/b] }", "{ champion: x, previous: x }",
                          "{ model: a }", "{ champion: '' }", "[a]", "{ models: { a: b } }"}) {
    EXPECT_FALSE(with(bad).diagnostics.empty()) << bad;
  }
}

TEST(ProjectFile, ReadsSetsVariablesAndSizes) {
  const auto loaded = load_project_file(R"(
data:
  a: { source: s3://bucket/, ready: { manifest: "**/*.manifest.json" }, max_size: 5GiB, bind: [{ variable: DATA_URI }] }
  b: { source: s3://bucket/, ready: { marker: _SUCCESS, quiet: 5s }, max_size: 20 mb, bind: [{ file: x }] }
  c: { source: s3://bucket/, max_size: 1000, bind: [{ file: x }] }
)");
  EXPECT_TRUE(loaded.diagnostics.empty()) << testing::text_of(loaded.diagnostics);
  ASSERT_EQ(loaded.file.data.size(), 3U);
  EXPECT_EQ(loaded.file.data[0].manifest, "**/*.manifest.json");
  EXPECT_EQ(loaded.file.data[0].quiet, Seconds{0});
  EXPECT_EQ(loaded.file.data[0].max_size, std::uint64_t{5} << 30U);
  EXPECT_EQ(loaded.file.data[0].bind[0].variable, "DATA_URI");
  EXPECT_EQ(loaded.file.data[1].marker, "_SUCCESS");
  EXPECT_EQ(loaded.file.data[1].quiet, Seconds{5});
  EXPECT_EQ(loaded.file.data[1].max_size, 20'000'000U);
  EXPECT_EQ(loaded.file.data[2].max_size, 1000U);
  EXPECT_EQ(load_project_file("data: {a: {source: s3://bucket/, bind: []}}").file.data[0].max_size,
            kUsualMaxSize);
}

TEST(ProjectFile, AnEmptyTextIsAnEmptyFile) {
  for (const char* text : {"", "# nothing\n", "---\n"}) {
    const auto loaded = load_project_file(text);
    EXPECT_TRUE(loaded.diagnostics.empty());
    EXPECT_TRUE(loaded.file.data.empty());
  }
}

TEST(ProjectFile, RefusesWhatCannotBeMeant) {
  struct Bad {
    const char* text;
    const char* code;
  };
  const Bad cases[] = {
      {"targest: {}", "unknown-keyword"},
      {"- a", "invalid-format"},
      {"data: [", "yaml-syntax"},
      {"data: {a: {}}", "missing-keyword"},
      {"data: {a: {source: http://x/y, bind: []}}", "invalid-value"},
      {"data: {a: {source: 's3://', bind: []}}", "invalid-value"},
      {"data: {a: {source: 'file://relative', bind: []}}", "invalid-value"},
      {"data: {A B: {source: s3://bucket/, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, bind: [{file: ../x}]}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, bind: [{file: x, name: A, marker: b}]}}", "keyword-conflict"},
      {"data: {a: {source: s3://bucket/, ready: {manifest: x, marker: y}, bind: []}}", "keyword-conflict"},
      {"data: {a: {source: s3://bucket/, ready: {marker: a/b}, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, ready: {manifest: ''}, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, bind: [{variable: CI_X}]}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, bind: [{variable: 'A B'}]}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, bind: [{variable: A, file: x}]}}", "keyword-conflict"},
      {"data: {a: {source: s3://bucket/, max_size: 0, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, max_size: 9999999TB, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, max_size: 1.5GB, bind: []}}", "invalid-value"},
      {"data: {a: {source: s3://bucket/, ready: {quiet: soon}, bind: []}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {hosts: [], path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {hosts: [ssh://a, ssh://a], path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {hosts: [ssh://a, b], path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: ssh://a, hosts: [ssh://b], path: /srv, releases: [r]}}", "keyword-conflict"},
      {"targets: {a: {host: ssh://h, path: /srv/../etc, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: 'ssh://-oProxyCommand=x', path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: 'ssh://h:0', path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: 'ssh://h x', path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: h, path: /srv, releases: [r]}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: [R r]}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: [r, r]}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: []}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv}}", "missing-keyword"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: [r], files: [/etc/passwd]}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: [r], keep: 0}}", "invalid-value"},
      {"targets: {a: {host: ssh://h, path: /srv, releases: [r]}, b: {host: ssh://h, path: /srv, releases: "
       "[r]}}",
       "target-conflict"},
      {"graphs: {a: {data: none}}", "unknown-data"},
      {"graphs: {a: {checks: {skip: [cycle]}}}", "invalid-value"},
      {"graphs: {a: {checks: {grade_bands: [4, 2]}}}", "invalid-value"},
      {"graphs: {a: {checks: {grade_bands: 4}}}", "invalid-type"},
      {"graphs: {a: {checks: {max_elements: 0}}}", "invalid-value"},
      {"graphs: {a: {checks: {subject: ''}}}", "invalid-value"},
      {"graphs: {a: {checks: {gradebands: [2]}}}", "unknown-keyword"},
  };
  for (const Bad& bad : cases) {
    const auto loaded = load_project_file(bad.text);
    EXPECT_TRUE(has_errors(loaded.diagnostics)) << bad.text;
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.text << "\n"
                                                             << testing::text_of(loaded.diagnostics);
  }
}

TEST(ProjectFile, ReadsWhatAGraphIsHeldTo) {
  const auto loaded = load_project_file(R"(
data: {d: {source: file:///srv, bind: [{file: a.py}]}}
graphs:
  plain: {data: d}
  held: {data: d, checks: {max_elements: 900000, grade_bands: [2, 5, 8, 12], subject: Course, standard: Topic,
                           embedding: vector, skip: [grade_order, unreachable]}}
)");
  EXPECT_FALSE(has_errors(loaded.diagnostics)) << testing::text_of(loaded.diagnostics);
  ASSERT_EQ(loaded.file.graphs.size(), 2U);
  EXPECT_FALSE(loaded.file.graphs[0].checks.max_elements);
  const auto& checks = loaded.file.graphs[1].checks;
  EXPECT_EQ(checks.max_elements, 900'000);
  EXPECT_EQ(checks.grade_bands, (std::vector<int>{2, 5, 8, 12}));
  EXPECT_EQ(checks.subject, "Course");
  EXPECT_EQ(checks.standard, "Topic");
  EXPECT_EQ(checks.embedding, "vector");
  EXPECT_EQ(checks.skip, (std::vector<std::string>{"grade_order", "unreachable"}));
}

TEST(ProjectFile, NamesPlaceAndNearKeyOfASlip) {
  const auto loaded = load_project_file("targets:\n  a:\n    hst: ssh://h\n");
  const auto found = testing::find(loaded.diagnostics, "unknown-keyword");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, (Place{.file = "tidegate.yml", .line = 3, .column = 5}));
  EXPECT_EQ(found->hint, "Did you mean host?");
}

}  // namespace
}  // namespace tidegate::config
