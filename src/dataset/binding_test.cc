#include "dataset/binding.h"

#include <gtest/gtest.h>

namespace tidegate::dataset {
namespace {

constexpr const char* kNew = "s3://b/new%20x.jsonl?versionId=v2";

BindingPlace named(std::string file, std::string name = "DATA_PATH") {
  return {std::move(file), std::move(name), ""};
}
BindingPlace marked(std::string file) {
  return {std::move(file), "", "training"};
}

// What becomes of the text; the error's message when it is refused.
std::string bound(const BindingPlace& place, std::string_view content) {
  const auto result = dataset::bind(place, content, kNew);
  return result ? result->content : "refused: " + result.error().message;
}

bool refused(const BindingPlace& place, std::string_view content) {
  const auto result = dataset::bind(place, content, kNew);
  return !result && result.error().code == Errc::kInvalid;
}

TEST(BindPython, ReplacesTheLiteralAndNothingElse) {
  const auto result = dataset::bind(
      named("train.py"), "import os\r\n\r\nDATA_PATH  =\t'data/old.csv'  # the data\r\nX = 1", kNew);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->content,
            "import os\r\n\r\nDATA_PATH  =\t'" + std::string(kNew) + "'  # the data\r\nX = 1");
  EXPECT_EQ(result->previous, "data/old.csv");
  EXPECT_EQ(result->line, 3U);
}

TEST(BindPython, FormsOfAssignment) {
  const std::string literal = "\"" + std::string(kNew) + "\"";
  EXPECT_EQ(bound(named("a.py"), "DATA_PATH: Final[str] = \"x\"\n"),
            "DATA_PATH: Final[str] = " + literal + "\n");
  EXPECT_EQ(bound(named("a.py"), "DATA_PATH=r\"x\""), "DATA_PATH=" + literal);
  EXPECT_EQ(bound(named("a.py"), "DATA_PATH = \"\"\"x\"\"\"\n"), "DATA_PATH = " + literal + "\n");
  EXPECT_EQ(bound(named("a.py"), "DATA_PATH = \"x\"; y = 1\n"), "DATA_PATH = " + literal + "; y = 1\n");
  EXPECT_EQ(bound(named("a.py"),
                  "\xEF\xBB\xBF"
                  "DATA_PATH = \"x\""),
            "\xEF\xBB\xBF"
            "DATA_PATH = " +
                literal);
  EXPECT_EQ(bound(named("a.py"), "DATA_PATH = \\\n  \"x\"\n"), "DATA_PATH = \\\n  " + literal + "\n");
}

TEST(BindPython, LooksAlikesAreNotTouched) {
  const std::string around =
      "# DATA_PATH = \"comment\"\n"
      "\"\"\"\nDATA_PATH = \"docstring\"\n\"\"\"\n"
      "def f(DATA_PATH=\"default\"):\n    DATA_PATH = \"nested\"\n"
      "call(\nDATA_PATH=\"keyword\",\n)\n"
      "x = '''\nDATA_PATH = \"in a string\" '''\n"
      "y = 'it\\'s'  # \"\n"
      "x.DATA_PATH = 1\n"
      "MY_DATA_PATH = \"other\"\nDATA_PATHS = [\"other\"]\n"
      "if DATA_PATH == \"x\": pass\n"
      "print(DATA_PATH)\n"
      "DATA_PATH: str\n";
  EXPECT_EQ(bound(named("a.py"), around + "DATA_PATH = \"old\"\n"),
            around + "DATA_PATH = \"" + std::string(kNew) + "\"\n");
  EXPECT_TRUE(refused(named("a.py"), around)) << bound(named("a.py"), around);
}

TEST(BindPython, RefusesWhatIsNotOnePlainLiteral) {
  for (const char* text :
       {"DATA_PATH = os.environ.get(\"D\", \"x\")\n", "DATA_PATH = \"a\" \"b\"\n", "DATA_PATH = \"a\" + x\n",
        "DATA_PATH = f\"{x}\"\n", "DATA_PATH = b\"x\"\n", "DATA_PATH = (\"x\")\n",
        "DATA_PATH = OTHER = \"x\"\n", "OTHER = DATA_PATH = \"x\"\n", "DATA_PATH, y = \"a\", \"b\"\n",
        "y, DATA_PATH = \"a\", \"b\"\n", "DATA_PATH = \"\"\"a\nb\"\"\"\n", "a = 1; DATA_PATH = \"x\"\n",
        "DATA_PATH += \"x\"\n", "DATA_PATH =\n", "DATA_PATH = \"\\N{BULLET}\"\n",
        "DATA_PATH = \"unterminated\n", "x = '''\nDATA_PATH = \"x\"\n"}) {
    EXPECT_TRUE(refused(named("a.py"), text)) << text << bound(named("a.py"), text);
  }
}

TEST(BindPython, RefusesSeveralPlacesAndNamesTheirLines) {
  const std::string message = bound(named("train.py"), "DATA_PATH = \"a\"\nx = 1\nDATA_PATH = \"b\"\n");
  EXPECT_EQ(message, "refused: train.py: DATA_PATH stands in 2 places (lines 1, 3), not in exactly one");
  EXPECT_TRUE(refused(named("a.py"), "DATA_PATH = \"a\"\nDATA_PATH += \"b\"\n"));
}

TEST(BindPython, Marker) {
  EXPECT_EQ(bound(marked("a.py"), "s = \"# tidegate:training\"\nload(\"x\", 3)  # tidegate:training\n"),
            "s = \"# tidegate:training\"\nload(\"" + std::string(kNew) + "\", 3)  # tidegate:training\n");
  EXPECT_TRUE(refused(marked("a.py"), "load(\"x\", \"y\")  # tidegate:training\n"));
  EXPECT_TRUE(refused(marked("a.py"), "load(x)  # tidegate:training\n"));
  EXPECT_TRUE(refused(marked("a.py"), "load(\"x\")  # tidegate:training2\n"));
  EXPECT_TRUE(refused(marked("a.py"), "a(\"x\")  # tidegate:training\nb(\"y\")  # tidegate:training\n"));
}

TEST(BindYaml, FormsOfMembers) {
  const std::string literal = "\"" + std::string(kNew) + "\"";
  EXPECT_EQ(bound(named("a.yml"), "variables:\n  DATA_PATH: \"x\"   # c\n  Y: 1\n"),
            "variables:\n  DATA_PATH: " + literal + "   # c\n  Y: 1\n");
  EXPECT_EQ(bound(named("a.yml"), "DATA_PATH: 'it''s'\n"), "DATA_PATH: '" + std::string(kNew) + "'\n");
  EXPECT_EQ(bound(named("a.yml"), "DATA_PATH: data/x y.csv  # c\n"), "DATA_PATH: " + literal + "  # c\n");
  EXPECT_EQ(bound(named("a.yml"), "- \"DATA_PATH\": !!str \"x\"\n"),
            "- \"DATA_PATH\": !!str " + literal + "\n");
  EXPECT_EQ(bound(named("a.yml"), "v: {a: 1, DATA_PATH: \"x\"}\n"),
            "v: {a: 1, DATA_PATH: " + literal + "}\n");
  EXPECT_EQ(bound(named("a.yml"), "v: {DATA_PATH: x y , b: c}\n"),
            "v: {DATA_PATH: " + literal + " , b: c}\n");
  EXPECT_EQ(bound(named("a.yml"), "DATA_PATH: \"x\""), "DATA_PATH: " + literal);
}

TEST(BindYaml, LookAlikesAreNotTouched) {
  const std::string around =
      "# DATA_PATH: c\n"
      "script:\n  - |\n    DATA_PATH: \"in a block\"\n  - echo \"x\n    DATA_PATH: in a string\"\n"
      "  - plain text\n      DATA_PATH: \"in a plain scalar\"\n"
      "  - echo 'DATA_PATH: x'\n"
      "text: >-\n  DATA_PATH: folded\n\n  DATA_PATH: again\n"
      "MY_DATA_PATH: x\nother: DATA_PATH\nurl: http://DATA_PATH:80/\n"
      "flow: [\"DATA_PATH: x\", 'DATA_PATH',\n  # DATA_PATH: x\n  !reference [a, b]]\n";
  EXPECT_EQ(bound(named("a.yml"), around + "DATA_PATH: \"old\"\n"),
            around + "DATA_PATH: \"" + std::string(kNew) + "\"\n");
  EXPECT_TRUE(refused(named("a.yml"), around)) << bound(named("a.yml"), around);
}

TEST(BindYaml, SiblingAfterABlockInAListItemIsSeen) {
  EXPECT_EQ(bound(named("a.yml"), "- run: |\n    DATA_PATH: no\n  DATA_PATH: \"x\"\n"),
            "- run: |\n    DATA_PATH: no\n  DATA_PATH: \"" + std::string(kNew) + "\"\n");
}

TEST(BindYaml, RefusesWhatIsNotOneString) {
  for (const char* text :
       {"DATA_PATH:\n  x\n", "DATA_PATH: |\n  x\n", "DATA_PATH: [x]\n", "DATA_PATH: {a: b}\n",
        "DATA_PATH: *a\n", "DATA_PATH: a\n  b\n", "DATA_PATH: \"a\n  b\"\n", "DATA_PATH: \"a\" b\n",
        "DATA_PATH: \"a\nb: 1\n", "a: {DATA_PATH: [x]}\n", "a: [x\n", "DATA_PATH: a\nb:\n  DATA_PATH: c\n",
        "DATA_PATH: \"\\q\"\n"}) {
    EXPECT_TRUE(refused(named("a.yml"), text)) << text << bound(named("a.yml"), text);
  }
}

TEST(BindJson, MembersAtAnyDepth) {
  EXPECT_EQ(bound(named("a.json"), "{\"a\": \"DATA_PATH\", \"b\": {\"DATA\\u005fPATH\" :\n \"x\\\"y\" }}"),
            "{\"a\": \"DATA_PATH\", \"b\": {\"DATA\\u005fPATH\" :\n \"" + std::string(kNew) + "\" }}");
  EXPECT_EQ(read_binding(named("a.json"), "{\"DATA_PATH\": \"a\\/\\u00e9\\ud83d\\ude00\"}").value(), "a/é😀");
  for (const char* text :
       {"{\"DATA_PATH\": 1}", "{\"x\": \"DATA_PATH\"}", "{\"DATA_PATH\": \"x", "",
        "{\"DATA_PATH\":\"a\",\"b\":{\"DATA_PATH\":\"c\"}}", "{\"DATA_PATH\": \"\\ud800\"}"}) {
    EXPECT_TRUE(refused(named("a.json"), text)) << text;
  }
  EXPECT_TRUE(refused(marked("a.json"), "{\"x\": \"y\"} # tidegate:training"));
}

TEST(BindToml, KeysAndTables) {
  const std::string literal = "\"" + std::string(kNew) + "\"";
  EXPECT_EQ(bound(named("a.toml"), "[data]\nDATA_PATH = \"x\" # c\n"),
            "[data]\nDATA_PATH = " + literal + " # c\n");
  EXPECT_EQ(bound(named("a.toml"), "DATA_PATH = 'x'\n"), "DATA_PATH = '" + std::string(kNew) + "'\n");
  EXPECT_EQ(bound(named("a.toml"), "t = { a = 1, \"DATA_PATH\" = \"x\" }\n"),
            "t = { a = 1, \"DATA_PATH\" = " + literal + " }\n");
  for (const char* text :
       {"# DATA_PATH = \"x\"\n", "a = \"\"\"\nDATA_PATH = \"x\"\n\"\"\"\n", "a.DATA_PATH = \"x\"\n",
        "DATA_PATH = 1\n", "DATA_PATH = \"\"\"x\"\"\"\n", "DATA_PATH = \"a\"\n[t]\nDATA_PATH = \"b\"\n",
        "a = '''\nDATA_PATH = \"x\"'''\n"}) {
    EXPECT_TRUE(refused(named("a.toml"), text)) << text << bound(named("a.toml"), text);
  }
}

TEST(BindMarker, AnyLanguageButOnlyHarmlessText) {
  EXPECT_EQ(bound(marked("run.sh"), "export DATA='old'   # tidegate:training\necho x\n"),
            "export DATA='" + std::string(kNew) + "'   # tidegate:training\necho x\n");
  EXPECT_EQ(bound(marked("a.js"), "const d = \"old\"; // tidegate:training"),
            "const d = \"" + std::string(kNew) + "\"; // tidegate:training");
  for (const char* address :
       {"s3://b/$(id)", "s3://b/`id`", "s3://b/a'b", "s3://b/a b", "s3://b/${X}", "a\\b", "a;b"}) {
    EXPECT_FALSE(dataset::bind(marked("run.sh"), "D=\"old\" # tidegate:training\n", address)) << address;
  }
  EXPECT_TRUE(refused(named("run.sh"), "DATA_PATH=\"x\"\n")) << "by name only in languages that we read";
}

TEST(BindLock, TheFileIsOurs) {
  const BindingPlace place{"data.lock.json", "", ""};
  const auto first = dataset::bind(place, "", kNew);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->content,
            "{\n  \"tidegate\": \"data-lock/1\",\n  \"uri\": \"" + std::string(kNew) + "\"\n}\n");
  EXPECT_EQ(first->previous, "");
  const auto second = dataset::bind(place, first->content, "s3://b/other");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->previous, kNew);
  EXPECT_EQ(read_binding(place, second->content).value(), "s3://b/other");
  for (const char* text : {"{}", "{\"uri\": \"x\"}", "hello"}) EXPECT_TRUE(refused(place, text)) << text;
  EXPECT_FALSE(read_binding(place, ""));
}

TEST(Bind, TheSameAddressAgainChangesNothing) {
  const std::string text = "DATA_PATH = 's3\\x3a//b/k'\n";
  EXPECT_EQ(dataset::bind(named("a.py"), text, "s3://b/k").value().content, text);
}

TEST(Bind, RefusesAddressesThatAreNotOneLineOfAscii) {
  for (const std::string& address :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("한글"), std::string("\xff"), std::string(),
        std::string("a\x7f"), std::string("a\xe2\x80\xa8")}) {
    EXPECT_FALSE(dataset::bind(named("a.py"), "DATA_PATH = \"x\"\n", address));
  }
}

TEST(Bind, QuotesInAnAddressStayInTheLiteral) {
  const std::string nasty = "s3://b/\"+__import__('os').system('id')+\"\\";
  for (const char* file : {"a.py", "a.yml", "a.json", "a.toml"}) {
    const std::string text = std::string(file) == "a.json"  ? "{\"DATA_PATH\": \"x\"}"
                             : std::string(file) == "a.yml" ? "DATA_PATH: 'x'\n"
                                                            : "DATA_PATH = 'x'\n";
    const auto result = dataset::bind(named(file), text, nasty);
    ASSERT_TRUE(result) << file << result.error().message;
    EXPECT_EQ(read_binding(named(file), result->content).value(), nasty) << result->content;
  }
}

}  // namespace
}  // namespace tidegate::dataset
