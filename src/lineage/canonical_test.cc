// One value, one text; and nothing else is read.
#include "lineage/canonical.h"

#include <random>

#include <gtest/gtest.h>

namespace tidegate::lineage {
namespace {

TEST(Canonical, IsTheTextOfRfc8785) {
  const Value value{Object{{"b", Value{List{Value{}, Value{true}, Value{std::int64_t{-7}}}}},
                           {"a", Value{std::string("\"\\\b\f\n\r\t\x01\x1f /€한")}},
                           {"", Value{Object{}}}}};
  EXPECT_EQ(write(value),
            "{\"\":{},\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f /€한\",\"b\":[null,true,-7]}");
}

TEST(Canonical, BytesThatAreNoTextAreWrittenAsText) {
  EXPECT_EQ(write(Value{std::string("a\xff")}), "\"a\\\\xff\"");
}

TEST(Canonical, ReadsOnlyWhatItWrites) {
  for (const char* text : {"",
                           " 1",
                           "1 ",
                           "01",
                           "+1",
                           "1.0",
                           "1e3",
                           "{\"b\":1,\"a\":2}",
                           "{\"a\":1,\"a\":1}",
                           "[1,]",
                           "[",
                           "{",
                           "\"",
                           "\"\\",
                           "\"\\u0041\"",
                           "\"\\u00e9\"",
                           "\"\\/\"",
                           "nul",
                           "tru",
                           "{1:2}",
                           "9223372036854775808",
                           "\"a\xff\"",
                           "[1]x",
                           "{\"a\" :1}"}) {
    EXPECT_FALSE(read(text)) << text;
  }
  EXPECT_FALSE(read(std::string(40, '[') + std::string(40, ']')));
  EXPECT_FALSE(read(std::string(1'000'000, '[')));
  EXPECT_TRUE(read(std::string(30, '[') + std::string(30, ']')));
}

class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  Value value(int depth) {
    switch (random_() % (depth > 4 ? 4 : 6)) {
      case 0:
        return Value{};
      case 1:
        return Value{random_() % 2 == 0};
      case 2:
        return Value{static_cast<std::int64_t>(random_()) - (1LL << 31)};
      case 3:
        return Value{text()};
      case 4: {
        List list;
        for (std::uint32_t i = 0, n = random_() % 4; i < n; ++i) list.push_back(value(depth + 1));
        return Value{std::move(list)};
      }
      default: {
        Object object;
        for (std::uint32_t i = 0, n = random_() % 4; i < n; ++i) object[text()] = value(depth + 1);
        return Value{std::move(object)};
      }
    }
  }

 private:
  std::string text() {
    static const std::string kBytes = "ab\"\\\n\t\x01\x7f/{}[]:,";
    std::string out;
    for (std::uint32_t i = 0, n = random_() % 8; i < n; ++i) out.push_back(kBytes[random_() % kBytes.size()]);
    return out;
  }
  std::mt19937 random_;
};

TEST(Canonical, WhatIsWrittenIsReadBack) {
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    const Value value = Maker(seed).value(0);
    const auto again = read(write(value));
    ASSERT_TRUE(again) << seed << ": " << write(value);
    EXPECT_EQ(*again, value) << seed;
  }
}

}  // namespace
}  // namespace tidegate::lineage
