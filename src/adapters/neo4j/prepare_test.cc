#include "adapters/neo4j/prepare.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::neo4j {
namespace {

class Prepare : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tg-prepare-");
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
    request_.name = "curriculum";
    request_.load = "one";
  }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(sys::write_file(folder_->path() / name, text));
    return folder_->path() / name;
  }

  std::vector<std::string> problems() {
    const auto prepared = prepare(request_, {});
    EXPECT_TRUE(prepared) << prepared.error().message;
    return prepared ? prepared->problems : std::vector<std::string>();
  }

  std::optional<sys::TempDirectory> folder_;
  app::GraphRequest request_;
};

using Lines = std::vector<std::string>;

TEST_F(Prepare, ReadsTheTablesOfASet) {
  request_.file = write("list", "the set's list");
  request_.sha256 = sha256_hex("the set's list");
  request_.members = {{"2026/nodes.csv", write("a", "uid,label\na,Standard\nb,Standard\n")},
                      {"2026/edges.csv", write("b", "from,to,type\na,b,PREREQUISITE_OF\n")},
                      {"README", folder_->path() / "not read"}};
  const auto prepared = prepare(request_, {});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->problems, Lines{});
  EXPECT_EQ(prepared->row.nodes, 2);
  EXPECT_EQ(prepared->row.edges, 1);
  EXPECT_EQ(prepared->row.sha256, request_.sha256);
  request_.members[2].name = "nodes.csv";
  EXPECT_EQ(problems(), Lines{"the set has two files nodes.csv"});
  request_.members = {{"my-nodes.csv", request_.file}};
  EXPECT_EQ(problems(), Lines{"the set has no file nodes.csv"});
  request_.members = {{"nodes.csv", folder_->path() / "gone"}};
  EXPECT_FALSE(prepare(request_, {})) << "a file that cannot be read is no fault of the data";
}

TEST_F(Prepare, HoldsTheGraphToTheRequestsRulesAndTellsAllAtOnce) {
  request_.file = write("g.json", R"({"nodes": [{"uid": "a", "label": "Standard", "grade_band": 9},
      {"uid": "b", "label": "Standard", "grade_band": 4, "x": {}}, {"label": "Subject", "uid": "s"}],
      "edges": [{"type": "PREREQUISITE_OF", "from": "a", "to": "b"}]})");
  request_.golden = "[1]";
  EXPECT_EQ(
      problems(),
      (Lines{"golden query 0: not an object",
             "/nodes/1/x: value: is an object; a property is a text, a number, a boolean or a list",
             "/edges/0: grade_order: PREREQUISITE_OF: \"a\" (grades 7 to 9, /nodes/0) comes before \"b\" "
             "(grades 3 to 4, /nodes/1)",
             "/nodes/0: unreachable: no Subject leads to Standard \"a\"",
             "/nodes/1: unreachable: no Subject leads to Standard \"b\""}));
  request_.rules.skip = {release::GraphProblem::Kind::kGradeOrder, release::GraphProblem::Kind::kUnreachable};
  EXPECT_EQ(problems().size(), 2U);
  request_.sha256 = std::string(64, '0');
  EXPECT_EQ(prepare(request_, {}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace tidegate::neo4j
