#include <gtest/gtest.h>

#include "adapters/neo4j/csv.h"
#include "adapters/neo4j/curriculum.h"

namespace tidegate::neo4j {
namespace {

using Records = std::vector<std::vector<std::string>>;

struct Read {
  Records records;
  std::vector<std::size_t> lines;
  std::string error;
};

Read read_csv(std::string_view text) {
  Read out;
  CsvReader reader(text);
  std::vector<std::string> fields;
  for (;;) {
    const auto more = reader.next(fields);
    if (!more) out.error = more.error().message;
    if (!more || !*more) return out;
    out.records.push_back(fields);
    out.lines.push_back(reader.line());
  }
}

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
  const auto out = read_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\"x, \"\"y\"\"\r\nz\",\r\n\r\n,\"\"\nlast,한글");
  EXPECT_EQ(out.error, "");
  EXPECT_EQ(out.records, (Records{{"a", "b"}, {"x, \"y\"\r\nz", ""}, {"", ""}, {"last", "한글"}}));
  EXPECT_EQ(out.lines, (std::vector<std::size_t>{1, 2, 5, 6}));
  EXPECT_EQ(read_csv("").records, Records{});
  EXPECT_EQ(read_csv("\n\r\n").records, Records{});
  EXPECT_EQ(read_csv("a,").records, (Records{{"a", ""}}));
}

TEST(Csv, SaysWhereItIsNone) {
  EXPECT_EQ(read_csv("a\nb,\"c\nd").error, "line 2: a quoted field does not end");
  EXPECT_EQ(read_csv("a\n\"b\"c,d\n").error, "line 2: there is text after a closing quote");
  EXPECT_EQ(read_csv("a\"b\n").error, "line 1: there is a quote inside a field that does not begin with one");
  EXPECT_EQ(read_csv("a\rb\n").error, "line 1: there is a carriage return inside a field");
  EXPECT_EQ(read_csv(std::string_view("a\n\0\n", 4)).error, "line 2: there is a NUL byte");
  EXPECT_EQ(read_csv("a\n\xbc\xf6\xc7\xd0\n").error,
            "line 2: the text is not UTF-8 (spreadsheets call it \"CSV UTF-8\")");
}

std::vector<std::string> faults_of(const Curriculum& curriculum) {
  std::vector<std::string> lines;
  for (const auto& problem : curriculum.problems) lines.push_back(to_string(problem));
  return lines;
}

TEST(CurriculumCsv, ReadsTypedColumns) {
  const auto read = parse_curriculum_csv(
      "uid,label,code,grade_band:int,weight:float,core:boolean,tags:string[],embedding:float[]\n"
      "a,Standard,\"[2수01-01]\",2,0.5,true,x;y,1;0.5\r\n"
      "b,Level,,,,,,\n",
      "from,to,type,strength:float\na,b,HAS_LEVEL,1\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(faults_of(*read), std::vector<std::string>{});
  ASSERT_EQ(read->graph.nodes.size(), 2U);
  const std::vector<release::GraphProperty> expected = {
      {"code", std::string("[2수01-01]")},
      {"grade_band", std::int64_t{2}},
      {"weight", 0.5},
      {"core", true},
      {"tags", std::vector<std::string>{"x", "y"}},
      {"embedding", std::vector<double>{1, 0.5}},
  };
  EXPECT_EQ(read->graph.nodes[0].properties, expected);
  EXPECT_EQ(read->graph.nodes[1], (release::GraphNode{"nodes.csv:3", "b", "Level", {}}));
  EXPECT_EQ(read->graph.edges[0],
            (release::GraphEdge{"edges.csv:2", "HAS_LEVEL", "a", "b", {{"strength", 1.0}}}));
}

TEST(CurriculumCsv, KnowsTheHeadersOfNeo4jsImport) {
  const auto read = parse_curriculum_csv(":LABEL,uid:ID(Standards),grade:long\nStandard,a,2\nStandard,b,4\n",
                                         ":START_ID,:END_ID,:TYPE\na,b,PREREQUISITE_OF\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(faults_of(*read), std::vector<std::string>{});
  EXPECT_TRUE(validate(read->graph).empty());
  EXPECT_EQ(read->graph.nodes[1].uid, "b");
}

TEST(CurriculumCsv, NamesFileAndLineOfEveryFault) {
  const auto read = parse_curriculum_csv("uid,label,n:int\na,A,x\nb,,1\nc,A\nd,A,2\n", "from,to\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(
      faults_of(*read),
      (std::vector<std::string>{
          "nodes.csv:2, n: value: \"x\" is not of the column's type", "nodes.csv:3, label: shape: is missing",
          "nodes.csv:4: shape: 2 fields; the first line names 3",
          "edges.csv: shape: there is no column \"type\" (the first line is: from,to)"}));
  EXPECT_EQ(read->graph.nodes.size(), 2U);
  const auto broken = parse_curriculum_csv("uid;label\n", "from,to,type,type:string\n");
  ASSERT_TRUE(broken);
  EXPECT_EQ(
      faults_of(*broken),
      (std::vector<std::string>{"nodes.csv: shape: there is no column \"uid\" (the first line is: uid;label)",
                                "edges.csv: shape: there are two columns \"type\""}));
  EXPECT_EQ(faults_of(*parse_curriculum_csv("uid,label,x:date\n", "")),
            (std::vector<std::string>{
                "nodes.csv: shape: column \"x:date\": its type is not int, float, boolean or string",
                "edges.csv: shape: the table is empty; its first line names the columns"}));
}

TEST(CurriculumCsv, WhatWouldBeCypherOrAFormulaIsText) {
  const auto read = parse_curriculum_csv(
      "uid,label,\"a`b\"\n\"=cmd|' /C calc'!A0\",A,\"'}) DETACH DELETE n //\"\n", "from,to,type\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(faults_of(*read), std::vector<std::string>{});
  EXPECT_EQ(read->graph.nodes[0].properties[0],
            (release::GraphProperty{"a`b", std::string("'}) DETACH DELETE n //")}));
}

}  // namespace
}  // namespace tidegate::neo4j
