#include <gtest/gtest.h>

#include "base/text.h"
#include "release/journal_line.h"
#include "release/release_env.h"
#include "release/release_id.h"
#include "release/release_lease.h"
#include "release/release_retention.h"

namespace tidegate::release {
namespace {

TEST(ReleaseId, SaysWhenAndWhat) {
  const auto id = make_release_id(*parse_iso8601("2026-11-22T10:15:02Z"), "0123456789abcdef0123",
                                  "sha256:fedcba9876543210");
  EXPECT_EQ(id, "20261122T101502Z-0123456789ab-fedcba987654");
  EXPECT_TRUE(is_release_id(id));
  for (const char* bad : {"", "..", "a/b", "-x", "a b", "a;b", "$(x)", "a\nb"})
    EXPECT_FALSE(is_release_id(bad)) << bad;
}

TEST(ReleaseId, NamesThatBecomeFolders) {
  for (const char* good : {"bert", "kogpt-2", "a.b_c"}) EXPECT_TRUE(is_member_name(good)) << good;
  for (const char* bad : {"", ".", "..", "a/b", "-rf", "state", "shared", "a b", "한글", "a'b"})
    EXPECT_FALSE(is_member_name(bad)) << bad;
  EXPECT_TRUE(is_target_path("/srv/training"));
  for (const char* bad : {"", "/", "srv", "/srv/../etc", "/srv/a b", "/srv/$(x)", "/a|b", "/srv/-x", "/a\nb"})
    EXPECT_FALSE(is_target_path(bad)) << bad;
  EXPECT_TRUE(is_relative_file("shared/mlflow.env"));
  for (const char* bad : {"", "/etc/passwd", "../x", "a/../../b", "shared/"})
    EXPECT_FALSE(is_relative_file(bad)) << bad;
}

TEST(ReleaseId, LinksBothWays) {
  EXPECT_EQ(Layout::link_to("r1"), "releases/r1");
  EXPECT_EQ(Layout::link_to(""), "");
  EXPECT_EQ(Layout::release_of("releases/r1"), "r1");
  EXPECT_EQ(Layout::release_of("../other/releases/r1"), "");
  EXPECT_EQ(Layout::release_of(""), "");
  EXPECT_EQ(Layout("/srv/t").folder("bert", "r1"), "/srv/t/bert/releases/r1");
}

TEST(JournalLine, RoundTripsEverything) {
  const Fields fields = {
      {"a", "it's \"quoted\" \\ back"}, {"b", "line\nbreak\ttab \x01\x7f"}, {"c", "한글 é 🌊"}, {"d", ""}};
  const auto line = write_line(fields);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\''), std::string::npos);
  for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7F);
  EXPECT_EQ(parse_line(line), fields);
  EXPECT_EQ(parse_line(write_line({{"x", "\xff\xfe"}}))->at("x"), "\uFFFD\uFFFD");
  EXPECT_EQ(parse_line("{}"), Fields{});
  EXPECT_EQ(parse_line(" { \"a\" : \"b\" } \r"), (Fields{{"a", "b"}}));
}

TEST(JournalLine, NoPartOfALineIsALine) {
  const auto line = write_line({{"op", "flip"}, {"from.bert", "releases/\"x\" 한"}, {"z", "🌊"}});
  for (std::size_t i = 0; i < line.size(); ++i) EXPECT_EQ(parse_line(line.substr(0, i)), std::nullopt) << i;
  for (const char* bad :
       {"", "x", "[]", "{\"a\":1}", "{\"a\":\"b\",}", "{\"a\":\"b\"}x", "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\u12\"}", "{\"a\":\"\\x\"}", "{\"a\" \"b\"}", "{a:\"b\"}"})
    EXPECT_EQ(parse_line(bad), std::nullopt) << bad;
}

TEST(Lease, FreeExpiredOwnAndTaken) {
  const Lease lease{"abc", 1000, "deploy 7 of team/coach"};
  EXPECT_EQ(parse_lease(write_lease(lease) + "\n"), lease);
  EXPECT_TRUE(may_take("", "me", 5, Journal{}));
  EXPECT_TRUE(may_take("half", "me", 5, Journal{}));
  EXPECT_TRUE(may_take(write_lease(lease), "me", 1000, Journal{}));
  EXPECT_TRUE(may_take(write_lease(lease), "deploy 7 of team/coach", 5, Journal{}));
  const auto over = read_journal("{\"op\":\"live\",\"deployment\":\"deploy 7 of team/coach\"}");
  EXPECT_TRUE(may_take(write_lease(lease), "me", 940, over));
  const auto open = read_journal("{\"op\":\"flip\",\"deployment\":\"deploy 7 of team/coach\"}");
  EXPECT_FALSE(may_take(write_lease(lease), "me", 940, open));
  const auto taken = may_take(write_lease(lease), "me", 940, Journal{});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::kConflict);
  EXPECT_NE(taken.error().message.find("deploy 7 of team/coach"), std::string::npos);
  EXPECT_NE(taken.error().message.find("1m"), std::string::npos) << taken.error().message;
}

TEST(Retention, KeepsWhatMustStay) {
  const std::vector<Stored> stored = {{"20260101-a", "ready"},  {"20260102-b", "ready"},
                                      {"20260103-c", "ready"},  {"20260104-d", "ready"},
                                      {"20260105-e", "failed"}, {"20260106-f", "failed"},
                                      {"20260107-g", "ready"},  {"20260108-h", "building"}};
  EXPECT_EQ(releases_to_delete(stored, {.keep = 1, .must = {"20260107-g", "20260101-a", "20260102-b"}}),
            (std::vector<std::string>{"20260103-c", "20260105-e", "20260106-f"}));
  EXPECT_TRUE(releases_to_delete(stored, {.keep = 10, .must = {"20260105-e", "20260106-f"}}).empty());
  EXPECT_EQ(releases_to_delete(stored, {.keep = 0, .must = {"20260108-h"}}).size(), 6U);
}

Provenance provenance() {
  Provenance p;
  p.target = "training";
  p.member = "bert";
  p.release = "r1";
  p.commit = "abc";
  p.pipeline = 7;
  p.digest = "sha256:1";
  p.data_uri = "s3://team/a'b $(id) \n한.jsonl";
  return p;
}

TEST(ReleaseEnv, SurvivesHostileKeysAndHoldsTags) {
  const auto variables = release_variables(provenance());
  EXPECT_EQ(variables.at("TIDEGATE_RELEASE"), "bert");
  EXPECT_EQ(variables.at("TIDEGATE_RELEASE_ID"), "r1");
  EXPECT_FALSE(variables.contains("TIDEGATE_DATA_SHA256"));
  const auto tags = parse_line(variables.at("MLFLOW_RUN_CONTEXT"));
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->at("data.uri"), provenance().data_uri);
  EXPECT_EQ(tags->at("mlflow.source.git.commit"), "abc");
  EXPECT_EQ(tags->at("cd.pipeline_id"), "7");
  for (const auto& line : split(env_file(variables), '\n')) {
    if (line.empty()) continue;
    const auto equals = line.find("='");
    ASSERT_NE(equals, std::string::npos) << line;
    EXPECT_EQ(line.back(), '\'');
    EXPECT_EQ(line.find('\'', equals + 2), line.size() - 1) << line;
  }
}

TEST(ReleaseEnv, ReleaseJsonIsOneFlatLine) {
  const auto fields = parse_line(trim(release_json(provenance())));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->at("member"), "bert");
  EXPECT_EQ(fields->at("data_uri"), provenance().data_uri);
}

}  // namespace
}  // namespace tidegate::release
