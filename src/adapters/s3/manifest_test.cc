#include "adapters/s3/manifest.h"

#include <gtest/gtest.h>

namespace tidegate::s3 {
namespace {

TEST(Manifest, ReadsMembers) {
  const std::string hash(64, 'A');
  const auto read =
      parse_manifest(R"({"made_by": 7, "members": [{"key": "a b.jsonl", "size": 3, "sha256": ")" + hash +
                     R"(", "etag": "\"e-2\"", "rows": 9}, {"key": "s3://team/x/\ud55c", "size": null}]})");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->members.size(), 2U);
  EXPECT_EQ(read->members[0], (dataset::Member{"a b.jsonl", "", 3, std::string(64, 'a'), "e-2"}));
  EXPECT_EQ(read->members[1], (dataset::Member{"s3://team/x/\xed\x95\x9c", "", std::nullopt, "", ""}));
}

TEST(Manifest, RefusesWithThePlace) {
  struct Bad {
    std::string text;
    const char* says;
  };
  const std::string deep(100'000, '[');
  std::string many = R"({"members":[)";
  for (std::size_t i = 0; i <= dataset::kMostMembers; ++i) many += R"({"key":"a"},)";
  many.back() = ']';
  for (const Bad& bad : std::vector<Bad>{
           {"", "not JSON"},
           {"{", "not JSON"},
           {"\xff\xfe", "not JSON"},
           {deep, "not JSON"},
           {"[]", "no list of members"},
           {"{}", "no list of members"},
           {R"({"members": {}})", "no list of members"},
           {R"({"members": [1]})", "members[0] is not an object"},
           {R"({"members": [{"key": "a"}, {}]})", "members[1].key is missing"},
           {R"({"members": [{"key": 1}]})", "members[0].key is not a string"},
           {R"({"members": [{"key": "a", "size": -1}]})", "size is no size"},
           {R"({"members": [{"key": "a", "size": 1.5}]})", "size is no size"},
           {R"({"members": [{"key": "a", "size": 99999999999999999999}]})", "size is no size"},
           {R"({"members": [{"key": "a", "sha256": "ab"}]})", "64 hexadecimal"},
           {R"({"members": [{"key": "a", "etag": 5}]})", "etag is not a string"},
           {R"({"members": [{"key": ")" + std::string(5000, 'x') + R"("}]})", "too long"},
           {many + "}", "more than 10000"},
           {std::string(kMaxManifest + 1, ' '), "more than"},
       }) {
    const auto read = parse_manifest(bad.text);
    ASSERT_FALSE(read) << bad.text.substr(0, 80);
    EXPECT_EQ(read.error().code, Errc::kInvalid);
    EXPECT_NE(read.error().message.find(bad.says), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace tidegate::s3
