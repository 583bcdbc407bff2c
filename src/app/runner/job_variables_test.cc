#include "app/runner/job_variables.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

pipeline::JobVariable plain(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value)};
}

TEST(ExpandVariables, ReplacesBothForms) {
  const std::map<std::string, std::string> values{{"A", "1"}, {"LONG_name2", "x y"}};
  EXPECT_EQ(expand_variables("$A ${A} $LONG_name2/ ${NONE}$NONE $$A $ ${ ${A $1 a$", values),
            "1 1 x y/  $A $ ${ ${A $1 a$");
}

TEST(ResolveVariables, LaterOnesWinAndNameEachOther) {
  const auto resolved = resolve_variables(
      {plain("A", "old"), plain("B", "${A}-b"), plain("A", "$C"), plain("C", "c")}, "/p.tmp");
  EXPECT_EQ(resolved.environment.at("B"), "c-b");
  EXPECT_TRUE(resolved.warnings.empty());
}

TEST(ResolveVariables, RawValuesStayAsTheyAre) {
  pipeline::JobVariable raw = plain("PASSWORD", "pa$word$$");
  raw.raw = true;
  const auto resolved = resolve_variables({raw, plain("COPY", "<$PASSWORD>")}, "/p.tmp");
  EXPECT_EQ(resolved.environment.at("PASSWORD"), "pa$word$$");
  EXPECT_EQ(resolved.environment.at("COPY"), "<pa$word$$>");
}

TEST(ResolveVariables, FilesBecomePaths) {
  pipeline::JobVariable file = plain("KEY", "-----BEGIN $X-----\n");
  file.file = true;
  const auto resolved = resolve_variables({file, plain("OPTION", "-i $KEY")}, "/builds/p.tmp");
  EXPECT_EQ(resolved.environment.at("KEY"), "/builds/p.tmp/KEY");
  EXPECT_EQ(resolved.environment.at("OPTION"), "-i /builds/p.tmp/KEY");
  ASSERT_EQ(resolved.files.size(), 1U);
  EXPECT_EQ(resolved.files[0].content, "-----BEGIN $X-----\n");
}

TEST(ResolveVariables, CirclesAndBombsEnd) {
  pipeline::JobVariables variables{plain("A", "$B"), plain("B", "$A")};
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += "$V0";
  variables.push_back(plain("V0", std::string(1000, 'x')));
  for (int i = 1; i < 30; ++i) {
    std::string value;
    for (int j = 0; j < 10; ++j) value += "$V" + std::to_string(i - 1);
    variables.push_back(plain("V" + std::to_string(i), value));
  }
  const auto resolved = resolve_variables(variables, "/p.tmp");
  for (const auto& [key, value] : resolved.environment) EXPECT_LE(value.size(), 2U << 20U) << key;
  EXPECT_EQ(resolved.environment.at("V1").size(), 10'000U);
}

TEST(ResolveVariables, WhatCannotBePassedOnIsNamedWithoutItsValue) {
  pipeline::JobVariable file = plain("../escape", "secret-content");
  file.file = true;
  const auto resolved = resolve_variables(
      {plain("A=B", "secret-1"), plain("", "secret-2"), plain("N", std::string("a\0b", 3)), file}, "/p");
  EXPECT_TRUE(resolved.environment.empty());
  EXPECT_TRUE(resolved.files.empty());
  ASSERT_EQ(resolved.warnings.size(), 4U);
  for (const std::string& warning : resolved.warnings)
    EXPECT_EQ(warning.find("secret"), std::string::npos) << warning;
}

TEST(SecretsOf, AreMaskedVariablesTokensAndPasswords) {
  pipeline::JobMessage message;
  message.token = Secret("job-token");
  message.variables = {plain("OPEN", "open")};
  message.variables[0].masked = false;
  message.variables.push_back(plain("HIDDEN", "hidden"));
  message.variables[1].masked = true;
  message.credentials = {{"registry", "user", Secret("password")}};
  const auto secrets = secrets_of(message);
  EXPECT_EQ(secrets, (std::vector<std::string>{"hidden", "job-token", "password"}));
}

}  // namespace
}  // namespace tidegate::app
