#include "app/runner/log_masker.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"

namespace tidegate::app {
namespace {

std::string mask(const std::vector<std::string>& secrets, const std::string& text, std::size_t chunk) {
  LogMasker masker(secrets);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += chunk) out += masker.feed(text.substr(at, chunk));
  return out + masker.finish();
}

// The definition, slowly: every byte of every occurrence is hidden, overlapping occurrences are one.
std::string by_definition(const std::vector<std::string>& secrets, const std::string& text) {
  std::vector<std::string> patterns;
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    patterns.push_back(secret);
    if (base64_encode(secret).size() >= 8) patterns.push_back(base64_encode(secret));
  }
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const std::string& pattern : patterns) {
    for (std::size_t at = text.find(pattern); at != std::string::npos; at = text.find(pattern, at + 1)) {
      ranges.emplace_back(at, at + pattern.size());
    }
  }
  std::sort(ranges.begin(), ranges.end());
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < ranges.size();) {
    auto [begin, end] = ranges[i];
    for (++i; i < ranges.size() && ranges[i].first < end; ++i) end = std::max(end, ranges[i].second);
    out += text.substr(at, begin - at) + "[MASKED]";
    at = end;
  }
  return out + text.substr(at);
}

TEST(LogMasker, HidesASecretCutAnywhere) {
  const std::string text = "before s3cret-value after s3cret-valu s3cret-value";
  for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
    EXPECT_EQ(mask({"s3cret-value"}, text, chunk), "before [MASKED] after s3cret-valu [MASKED]") << chunk;
  }
}

TEST(LogMasker, HidesTheBase64FormToo) {
  EXPECT_EQ(mask({"s3cret-value"}, "x " + base64_encode("s3cret-value") + " y", 5), "x [MASKED] y");
}

TEST(LogMasker, NoPartOfAnOverlappingSecretIsShown) {
  EXPECT_EQ(mask({"abcdef", "defghi"}, "abcdefghi", 2), "[MASKED]");
  EXPECT_EQ(mask({"abc"}, "abcabc", 1), "[MASKED][MASKED]");
  EXPECT_EQ(mask({"bc", "abcd"}, "xabcdx", 1), "x[MASKED]x");
}

TEST(LogMasker, WithoutSecretsNothingIsHeldBack) {
  LogMasker masker({"", ""});
  EXPECT_EQ(masker.feed("anything"), "anything");
  EXPECT_EQ(masker.finish(), "");
}

TEST(LogMasker, OnlyWhatMayBecomeASecretIsHeldBack) {
  LogMasker masker({"secret"});
  EXPECT_EQ(masker.feed("progress: se"), "progress: ");
  EXPECT_EQ(masker.feed("ven\n"), "seven\n");
}

TEST(LogMasker, AStreamThatIsOneLongOccurrenceNeedsLittleMemory) {
  LogMasker masker({"aaaaaaaa"});
  std::string out;
  for (int i = 0; i < 1000; ++i) out += masker.feed(std::string(10'000, 'a'));
  EXPECT_EQ(out + masker.feed("b") + masker.finish(), "[MASKED]b");
}

TEST(LogMasker, AnyCutGivesWhatTheDefinitionSays) {
  std::mt19937 random(20261);
  const auto number = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const auto word = [&](int most) {
    std::string text;
    for (int i = number(most) + 1; i > 0; --i) text.push_back(static_cast<char>('a' + number(2)));
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> secrets;
    for (int i = number(4); i >= 0; --i) secrets.push_back(word(7));
    std::string text;
    for (int i = number(60); i >= 0; --i) {
      if (number(6) == 0)
        text += secrets[static_cast<std::size_t>(number(static_cast<int>(secrets.size())))];
      else
        text += word(3) + (number(4) == 0 ? "c" : "");
    }
    const std::string expected = by_definition(secrets, text);
    LogMasker masker(secrets);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = static_cast<std::size_t>(number(9)) + 1;
      out += masker.feed(std::string_view(text).substr(at, size));
      at += size;
    }
    ASSERT_EQ(out + masker.finish(), expected) << join(secrets, ",") << " in " << text;
  }
}

}  // namespace
}  // namespace tidegate::app
