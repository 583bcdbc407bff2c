#include "base/rare.h"

#include <string>

#include <gtest/gtest.h>

namespace tidegate {
namespace {

TEST(Rare, CostsAPointerAndCopiesItsValue) {
  EXPECT_EQ(sizeof(Rare<std::string>), sizeof(void*));
  Rare<std::string> empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.value_or("x"), "x");
  EXPECT_EQ(empty.to_optional(), std::nullopt);

  Rare<std::string> one = std::string("one");
  Rare<std::string> copy = one;
  *copy += "!";
  EXPECT_EQ(*one, "one");
  EXPECT_EQ(*copy, "one!");
  EXPECT_NE(one, copy);
  one = copy;
  EXPECT_EQ(one, copy);
  one = std::move(copy);
  EXPECT_EQ(one->size(), 4U);
  one = std::nullopt;
  EXPECT_EQ(one, empty);
  EXPECT_EQ(one.emplace("two"), "two");
  one.reset();
  EXPECT_FALSE(one.has_value());
}

TEST(Rare, TakesWhatAnOptionalHolds) {
  EXPECT_EQ(*Rare<int>(std::optional<int>(3)), 3);
  EXPECT_FALSE(Rare<int>(std::optional<int>()));
}

}  // namespace
}  // namespace tidegate
