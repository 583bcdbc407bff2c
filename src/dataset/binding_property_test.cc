// Properties of binding over generated files and keys: bytes outside the literal stay, and what was bound is
// what is read.
#include <random>

#include <gtest/gtest.h>

#include "dataset/binding.h"
#include "dataset/intake.h"

namespace tidegate::dataset {
namespace {

using Random = std::mt19937;

std::string pick(Random& random, const std::vector<std::string>& words) {
  return words[random() % words.size()];
}

std::string random_key(Random& random) {
  static const std::vector<std::string> parts = {"a",
                                                 "/",
                                                 " ",
                                                 "+",
                                                 "\"",
                                                 "'",
                                                 "\\",
                                                 "$(id)",
                                                 "`",
                                                 "\n",
                                                 "\r",
                                                 "한",
                                                 "\xe1\x84\x92\xe1\x85\xa1",
                                                 "-",
                                                 "..",
                                                 "#",
                                                 "?versionId=",
                                                 "%41",
                                                 "\xff",
                                                 "{",
                                                 "}",
                                                 ";",
                                                 "=",
                                                 "\t",
                                                 "&",
                                                 "😀"};
  std::string key;
  const auto length = 1 + random() % 12;
  for (std::size_t i = 0; i < length; ++i) key += pick(random, parts);
  return key;
}

struct Template {
  std::string file;
  std::vector<std::string> noise;  ///< whole lines that may stand before and after
  std::vector<std::string> before;
  std::vector<std::string> after;
};

const std::vector<Template>& templates() {
  static const std::vector<Template> all = {
      {"train.py",
       {"import os\n", "# DATA = 'no'\n", "def f():\n    DATA = \"no\"\n", "x = '''DATA = \"\n'''\n", "\n",
        "y = [\n1,\n]\r\n", "s = \"\\\" # \"\n"},
       {"DATA = ", "DATA=", "DATA: str = "},
       {"\n", "  # the data\n", "\r\n", "; z = 1\n"}},
      {"conf.yaml",
       {"a: 1\n", "# DATA: no\n", "b: |\n  DATA: no\n", "c:\n  - d: \"DATA: no\"\n", "\n", "e: 'it''s'\n"},
       {"DATA: ", "\"DATA\": ", "v:\n  DATA: "},
       {"\n", "  # the data\n", "\r\n"}},
      {"conf.toml",
       {"a = 1\n", "# DATA = 'no'\n", "b = '''\nDATA = \"no\"\n'''\n", "\n", "[t]\n",
        "c = [\n  \"DATA\",\n]\n"},
       {"DATA = ", "'DATA'=", "\"DATA\" = "},
       {"\n", "  # the data\n", "\r\n"}},
      {"conf.json",
       {" ", "\n"},
       {"{\"x\": \"DATA\", \"DATA\": ", "[{\"DATA\":"},
       {"}", ", \"y\": [\"DATA\"] }"}}};
  return all;
}

TEST(BindingProperty, OutsideTheLiteralNothingChangesAndWhatWasBoundIsRead) {
  Random random(11);
  for (int round = 0; round < 1500; ++round) {
    const Template& form = templates()[random() % templates().size()];
    std::string head;
    std::string tail;
    for (auto n = random() % 5; n > 0; --n) head += pick(random, form.noise);
    head += pick(random, form.before);
    tail += pick(random, form.after);
    for (auto n = random() % 5; n > 0; --n) tail += pick(random, form.noise);
    const bool single = random() % 2 == 0 && form.file != "conf.json";
    const std::string old = single ? "'old value'" : "\"old value\"";
    const BindingPlace place{form.file, "DATA", ""};

    const std::string address = bound_uri("team-data", random_key(random), random_key(random), false);
    const auto bound = dataset::bind(place, head + old + tail, address);
    ASSERT_TRUE(bound) << bound.error().message << "\n" << head << old << tail;
    EXPECT_EQ(bound->previous, "old value");
    const std::string& content = bound->content;
    ASSERT_GE(content.size(), head.size() + tail.size());
    EXPECT_EQ(content.substr(0, head.size()), head);
    EXPECT_EQ(content.substr(content.size() - tail.size()), tail);
    EXPECT_EQ(content.size(), head.size() + address.size() + 2 + tail.size())
        << "one literal, nothing to escape";
    EXPECT_EQ(read_binding(place, content).value(), address);
    // And back: as it was, but for the quotes' kind, which stays too.
    EXPECT_EQ(dataset::bind(place, content, "old value").value().content, head + old + tail);
  }
}

TEST(BindingProperty, AMarkersLineChangesInItsLiteralOnlyAndBack) {
  Random random(17);
  for (int round = 0; round < 1500; ++round) {
    const Template& form = templates()[random() % 3];  // JSON has no comments
    std::string head;
    std::string tail = "  # tidegate:data\n";
    for (auto n = random() % 5; n > 0; --n) head += pick(random, form.noise);
    head += pick(random, form.before);
    for (auto n = random() % 5; n > 0; --n) tail += pick(random, form.noise);
    const std::string old = random() % 2 == 0 ? "'s3://b/old'" : "\"s3://b/old\"";
    const BindingPlace place{form.file, "", "data"};
    const std::string address = bound_uri("team-data", random_key(random), random_key(random), false);
    const auto bound = dataset::bind(place, head + old + tail, address);
    if (!bound) {  // a quoted name beside the value: two literals on the line
      EXPECT_EQ(bound.error().code, Errc::kInvalid);
      continue;
    }
    EXPECT_EQ(bound->content, head + old.front() + address + old.back() + tail);
    EXPECT_EQ(dataset::bind(place, bound->content, "s3://b/old").value().content, head + old + tail);
    EXPECT_FALSE(dataset::bind(place, bound->content + bound->content, address)) << "two places";
  }
}

TEST(BindingProperty, NoTextMakesItCrashOrBindTwice) {
  Random random(13);
  static const std::vector<std::string> words = {"DATA = \"x\"\n",
                                                 "DATA: 'x'\n",
                                                 "\"DATA\": \"x\"",
                                                 "DATA: x",
                                                 "DATA",
                                                 "=",
                                                 ":",
                                                 "\"",
                                                 "'",
                                                 "\n",
                                                 "\n",
                                                 " ",
                                                 "#",
                                                 "\\",
                                                 "(",
                                                 ")",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 "- ",
                                                 "|",
                                                 "\"\"\"",
                                                 "\'\'\'",
                                                 "x",
                                                 ",",
                                                 "\r\n",
                                                 ".",
                                                 ";",
                                                 "r\"",
                                                 "\t",
                                                 "!t ",
                                                 "&a ",
                                                 "\xff",
                                                 std::string(1, '\0')};
  int bound_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random() % 10; n > 0; --n) text += pick(random, words);
    const std::string file = templates()[random() % templates().size()].file;
    const BindingPlace place{file, "DATA", ""};
    const auto bound = dataset::bind(place, text, "s3://b/k");
    if (!bound) {
      EXPECT_EQ(bound.error().code, Errc::kInvalid);
      continue;
    }
    ++bound_count;
    EXPECT_EQ(read_binding(place, bound->content).value_or("?"), "s3://b/k") << file << "\n"
                                                                             << text << "\n=>\n"
                                                                             << bound->content;
  }
  EXPECT_GT(bound_count, 100) << "else this shows little";
}

}  // namespace
}  // namespace tidegate::dataset
