#include "config/shell_words.h"

#include <algorithm>
#include <array>

namespace tidegate::config {
namespace {

bool is_assignment(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  return std::ranges::all_of(word.substr(0, equals), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_prefix(std::string_view word) {
  constexpr auto kPrefixes = std::to_array<std::string_view>(
      {"sudo", "exec", "time", "nohup", "then", "do", "else", "if", "while", "!", "{", "command"});
  return std::ranges::find(kPrefixes, word) != kPrefixes.end() || is_assignment(word);
}

class Splitter {
 public:
  std::vector<Command> run(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) i = step(text, i);
    end_command();
    return std::move(commands_);
  }

 private:
  /// Takes the character at `i`, and returns the place of the last one that it took.
  std::size_t step(std::string_view text, std::size_t i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != '\n') put(text[i + 1]);
      return i + 1;
    }
    if (c == '\'' || c == '"') return quoted(text, i);
    if (c == '#' && !in_word_) return std::min(text.find('\n', i), text.size()) - 1;
    if (c == ' ' || c == '\t') {
      end_word();
    } else if (c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      // "$(" and "2>&1" are part of a word's text for our purpose, but end nothing that we look for.
      end_command();
    } else {
      put(c);
    }
    return i;
  }

  std::size_t quoted(std::string_view text, std::size_t start) {
    const char quote = text[start];
    in_word_ = true;
    std::size_t i = start + 1;
    for (; i < text.size() && text[i] != quote; ++i) {
      if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) ++i;
      put(text[i]);
    }
    return i;
  }

  void put(char c) {
    in_word_ = true;
    word_.push_back(c);
  }
  void end_word() {
    if (in_word_ && !(command_.empty() && is_prefix(word_))) command_.push_back(word_);
    word_.clear();
    in_word_ = false;
  }
  void end_command() {
    end_word();
    if (!command_.empty()) commands_.push_back(std::move(command_));
    command_.clear();
  }

  std::vector<Command> commands_;
  Command command_;
  std::string word_;
  bool in_word_ = false;
};

}  // namespace

std::vector<Command> shell_commands(std::string_view text) {
  return Splitter().run(text);
}

}  // namespace tidegate::config
