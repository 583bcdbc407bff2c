// The corpus: pipeline files of public projects, and what Psych and GitLab make of them. It is not part of
// the repository; without it these tests are skipped. The numbers are ratchets: they only go up.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/document.h"
#include "config/extends.h"
#include "config/include.h"
#include "config/load.h"
#include "config/read_root.h"
#include "config/reference.h"
#include "config/testing.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// How many of each family are as they should be. Raise when more pass.
constexpr std::size_t kSnippets = 56;
constexpr std::size_t kOracleFiles = 226;
constexpr std::size_t kSchemaRefused = 140;
constexpr std::size_t kSchemaAccepted = 111;
constexpr std::size_t kPipelineRules = 65;
constexpr std::size_t kGitlabCiLocal = 34;

std::optional<fs::path> corpus() {
  const char* named = std::getenv("TIDEGATE_CORPUS");
  const fs::path folder =
      named != nullptr ? fs::path(named) : fs::path(TIDEGATE_SOURCE_DIR) / ".." / "shared" / "corpus";
  return fs::exists(folder / "yaml-oracle") ? std::optional(folder) : std::nullopt;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

bool same(const yaml::Node& node, const json::value& expected);

bool same_number(const yaml::Node& node, const json::value& expected) {
  if (node.kind == yaml::Kind::kInt && !expected.is_double()) return json::serialize(expected) == node.text;
  const double value = expected.is_double() ? expected.as_double() : expected.to_number<double>();
  return std::fabs(std::strtod(node.text.c_str(), nullptr) - value) < 1e-9;
}

bool same(const yaml::Node& node, const json::value& expected) {
  switch (node.kind) {
    case yaml::Kind::kNull:
      return expected.is_null();
    case yaml::Kind::kBool:
      return expected.is_bool() && expected.as_bool() == (node.text == "true");
    case yaml::Kind::kInt:
    case yaml::Kind::kFloat:
      return expected.is_number() && same_number(node, expected);
    case yaml::Kind::kString:
      return expected.is_string() && expected.as_string() == node.text;
    case yaml::Kind::kReference:
      // Psych keeps a reference as an object; the oracle writes it as {"!reference": path}.
      if (!expected.is_object() || !expected.as_object().contains("!reference")) return false;
      return same(*yaml::make_list(node.items, node.mark), expected.at("!reference"));
    case yaml::Kind::kList: {
      if (!expected.is_array() || expected.as_array().size() != node.items.size()) return false;
      for (std::size_t i = 0; i < node.items.size(); ++i)
        if (!same(*node.items[i], expected.as_array()[i])) return false;
      return true;
    }
    case yaml::Kind::kMap: {
      if (!expected.is_object() || expected.as_object().size() != node.entries.size()) return false;
      for (const yaml::Entry& entry : node.entries) {
        const json::value* value = expected.as_object().if_contains(entry.key);
        if (value == nullptr || !same(*entry.value, *value)) return false;
      }
      return true;
    }
  }
  return false;
}

yaml::Limits many_documents() {
  yaml::Limits limits;
  limits.documents = 10;
  return limits;
}

/// Where the file that the oracle read stands in the corpus.
fs::path oracle_path(const fs::path& folder, std::string name) {
  constexpr std::string_view kTests = "gitlab-ci-local/tests/";
  if (name.starts_with(kTests)) name = "gitlab-ci-local/" + name.substr(kTests.size());
  return folder / name;
}

TEST(Corpus, ScalarsAndMapsAreReadAsPsychReadsThem) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  std::ifstream in(*folder / "yaml-oracle" / "snippets.jsonl");
  std::size_t passed = 0;
  std::size_t all = 0;
  for (std::string line; std::getline(in, line);) {
    const json::object row = json::parse(line).as_object();
    const json::value* expected = row.if_contains("json");
    const bool refused = row.contains("error");
    // Neither: a value that JSON cannot hold (infinity, a cycle); told apart in yaml_test.
    if (expected == nullptr && !refused) continue;
    ++all;
    const yaml::Parsed parsed = yaml::parse(std::string(row.at("yaml").as_string()), "snippet");
    bool good = has_errors(parsed.diagnostics) == refused;
    if (good && !refused)
      good = parsed.documents.empty() ? expected->is_null() : same(*parsed.documents.front(), *expected);
    passed += good ? 1 : 0;
    EXPECT_TRUE(good) << line << "\n" << testing::text_of(parsed.diagnostics);
  }
  std::cout << "yaml-oracle snippets: " << passed << " of " << all << "\n";
  EXPECT_GE(passed, kSnippets);
}

TEST(Corpus, WholeFilesAreReadAsPsychReadsThem) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  std::ifstream in(*folder / "yaml-oracle" / "files.jsonl");
  std::size_t passed = 0;
  std::size_t all = 0;
  std::size_t absent = 0;
  for (std::string line; std::getline(in, line);) {
    const json::object row = json::parse(line).as_object();
    const std::string name(row.at("file").as_string());
    const fs::path path = oracle_path(*folder, name);
    if (!fs::exists(path)) {
      ++absent;
      continue;
    }
    ++all;
    const std::string text = slurp(path);
    const yaml::Parsed parsed = yaml::parse(text, name, many_documents());
    bool good = has_errors(parsed.diagnostics) == row.contains("error");
    if (good && row.contains("docs")) {
      json::array docs = row.at("docs").as_array();
      // The oracle cut the text at each `---`; a comment before the first makes an empty document there.
      if (docs.size() == parsed.documents.size() + 1 && docs[0].is_null()) docs.erase(docs.begin());
      good = docs.size() == parsed.documents.size();
      for (std::size_t i = 0; good && i < docs.size(); ++i) {
        good = same(*parsed.documents[i], docs[i]);
        const yaml::Parsed again = yaml::parse(yaml::emit(*parsed.documents[i]), name);
        EXPECT_TRUE(again.documents.size() == 1 && same(*again.documents[0], docs[i]))
            << "emitted again: " << name;
      }
    }
    passed += good ? 1 : 0;
    EXPECT_TRUE(good) << name << "\n" << testing::text_of(parsed.diagnostics);
  }
  std::cout << "yaml-oracle files: " << passed << " of " << all << " (" << absent << " absent)\n";
  EXPECT_GE(passed, kOracleFiles);
}

/// The repository that a file of the corpus stands in.
Sources repository_at(const fs::path& root) {
  Sources sources;
  sources.read = [root](const std::string& path) -> std::optional<std::string> {
    if (!fs::is_regular_file(root / path)) return std::nullopt;
    return slurp(root / path);
  };
  sources.list = [root] {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (entry.is_regular_file()) paths.push_back(fs::relative(entry.path(), root).string());
    return paths;
  };
  return sources;
}

TEST(Corpus, RealFilesGiveOnlyFindingsOfWhatIsNotSupportedOrNotThere) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  const std::set<std::string> expected = {"unsupported-keyword", "include-not-found", "include-unavailable"};
  std::size_t whole = 0;
  std::size_t partly = 0;
  std::map<std::string, int> kinds;
  for (const auto& entry : fs::directory_iterator(*folder / "real")) {
    if (entry.path().extension() != ".yml") continue;
    const std::string name = entry.path().filename().string();
    const fs::path tree = *folder / "real-trees" / entry.path().stem();
    const fs::path none = *folder / "none";
    const Loaded loaded = load(slurp(entry.path()), name, repository_at(fs::exists(tree) ? tree : none));
    if (name == "postgres-ai__database-lab-engine.yml") {
      EXPECT_TRUE(testing::find(loaded.diagnostics, "yaml-syntax")) << "is not YAML";
      continue;
    }
    bool refused = false;
    for (const Diagnostic& found : loaded.diagnostics) {
      ++kinds[found.code];
      if (found.severity != Severity::kError) continue;
      refused = true;
      EXPECT_TRUE(expected.contains(found.code)) << name << ": " << testing::text_of({found});
    }
    EXPECT_EQ(loaded.definition.has_value(), !refused);
    EXPECT_EQ(testing::load_text(loaded.merged()).merged(), loaded.merged())
        << "merged is not stable: " << name;
    ++(refused ? partly : whole);
  }
  std::cout << "real: " << whole << " load, " << partly << " use what is not supported or not there\n";
  for (const auto& [code, count] : kinds) std::cout << "  " << code << " " << count << "\n";
}

TEST(Corpus, TheSchemaCasesOfGitLab) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  const json::value index = json::parse(slurp(*folder / "gitlab-schema" / "index.json"));
  std::size_t refused = 0;
  std::size_t negative = 0;
  std::size_t accepted = 0;
  std::size_t positive = 0;
  const bool verbose = std::getenv("TIDEGATE_VERBOSE") != nullptr;
  for (const json::value& row : index.as_array()) {
    const std::string file(row.at("file").as_string());
    const Loaded loaded =
        load(slurp(*folder / "gitlab-schema" / file), ".gitlab-ci.yml", repository_at(*folder / "none"));
    if (row.at("expect").as_string() == "invalid") {
      ++negative;
      const bool good = has_errors(loaded.diagnostics);
      refused += good ? 1 : 0;
      if (!good && verbose) std::cout << "accepted, but invalid: " << file << "\n";
      continue;
    }
    ++positive;
    // These prove shape alone: a job may lack its script, and whole jobs may be missing.
    const std::set<std::string> not_shape = {"missing-keyword", "unsupported-keyword", "include-not-found",
                                             "unknown-need",    "unknown-stage",       "include-unavailable",
                                             "no-jobs",         "unknown-dependency",  "invalid-on-stop",
                                             "extends-unknown", "config-empty"};
    // This one has a job with both a script and a trigger: the schema lets it pass, GitLab does not.
    const bool is_both = file.contains("/include--04-");
    bool good = true;
    for (const Diagnostic& found : loaded.diagnostics)
      good = good && (found.severity != Severity::kError || not_shape.contains(found.code) ||
                      (is_both && found.code == "keyword-conflict"));
    accepted += good ? 1 : 0;
    if (!good && verbose)
      std::cout << "refused, but valid: " << file << "\n" << testing::text_of(loaded.diagnostics);
  }
  std::cout << "gitlab-schema: " << refused << " of " << negative << " refused, " << accepted << " of "
            << positive << " accepted\n";
  EXPECT_GE(refused, kSchemaRefused);
  EXPECT_GE(accepted, kSchemaAccepted);
}

/// The cases of pipeline-rules that the configuration alone decides; the others need a context.
TEST(Corpus, ThePipelineRulesAreRefusedAndAcceptedAsGitLabDoes) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  const yaml::Parsed cases = yaml::parse(slurp(*folder / "pipeline-rules" / "cases.yml"), "cases.yml");
  ASSERT_EQ(cases.documents.size(), 1U);
  const std::set<std::string> by_context = {"needs/missing-job-after-rules",
                                            "rules/changes-compare-to-missing-variable", "reject/invalid-if"};
  std::size_t passed = 0;
  std::size_t later = 0;
  for (const yaml::NodePtr& row : cases.documents[0]->items) {
    const std::string id = row->find("id")->text;
    std::map<std::string, std::string> files;
    if (const yaml::Node* includes = row->find("includes"))
      for (const yaml::Entry& entry : includes->entries) files[entry.key] = entry.value->text;
    const Loaded loaded = testing::load_text(row->find("config")->text, files);
    if (testing::find(loaded.diagnostics, "unsupported-keyword")) {
      ++later;
      continue;
    }
    const bool refused = row->find("expect")->find("error") != nullptr && !by_context.contains(id);
    EXPECT_EQ(has_errors(loaded.diagnostics), refused) << id << "\n" << testing::text_of(loaded.diagnostics);
    passed += has_errors(loaded.diagnostics) == refused ? 1 : 0;
  }
  std::cout << "pipeline-rules: " << passed << " decided as GitLab does, " << later
            << " use what is not supported\n";
  EXPECT_GE(passed, kPipelineRules);
}

/// gitlab-ci-local's own cases: what it refuses on shape alone, and what it can expand.
TEST(Corpus, TheCasesOfGitlabCiLocal) {
  const auto folder = corpus();
  if (!folder) GTEST_SKIP() << "skipped: no corpus";
  std::ifstream in(*folder / "gitlab-ci-local" / "manifest.jsonl");
  std::size_t refused = 0;
  std::size_t accepted = 0;
  std::size_t later = 0;
  // `never-needs` is decided by its rules, the others by a regular expression, which this room cannot ask.
  const std::set<std::string> by_context = {"gcl/never-needs#1", "gcl/include-inputs#21",
                                            "gcl/include-inputs#23"};
  for (std::string line; std::getline(in, line);) {
    const json::object row = json::parse(line).as_object();
    const std::string id(row.at("id").as_string());
    const fs::path tree =
        *folder / "gitlab-ci-local" / "test-cases" / std::string(row.at("case").as_string());
    const std::string file(row.at("file").as_string());
    if (!fs::exists(tree / file) || row.at("portable").as_string() != "yes" || by_context.contains(id))
      continue;
    const Loaded loaded = load(slurp(tree / file), file, repository_at(tree));
    if (testing::find(loaded.diagnostics, "unsupported-keyword") ||
        testing::find(loaded.diagnostics, "include-not-found") ||
        testing::find(loaded.diagnostics, "include-unavailable")) {
      ++later;
      continue;
    }
    const bool should = row.at("kind").as_string() == "reject";
    EXPECT_EQ(has_errors(loaded.diagnostics), should) << id << "\n" << testing::text_of(loaded.diagnostics);
    if (has_errors(loaded.diagnostics) == should) ++(should ? refused : accepted);
  }
  std::cout << "gitlab-ci-local: " << refused << " refused, " << accepted << " accepted, " << later
            << " use what is not supported or not there\n";
  EXPECT_GE(refused + accepted, kGitlabCiLocal);
}

}  // namespace
}  // namespace tidegate::config
