#include "pipeline/lints/shell_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace tidegate::pipeline::lints {
namespace {

bool is_name(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_prefix(std::string_view word) {
  constexpr auto kPrefixes = std::to_array<std::string_view>(
      {"sudo", "exec", "time", "nohup", "then", "do", "else", "if", "while", "!", "{", "command"});
  const auto equals = word.find('=');
  const bool assignment = equals != 0 && equals != std::string_view::npos && is_name(word.substr(0, equals));
  return assignment || std::ranges::find(kPrefixes, word) != kPrefixes.end();
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Command> run() {
    while (at_ < text_.size()) step();
    end_command(Joint::kEnd);
    return std::move(commands_);
  }

 private:
  char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\n'; }

  /// Takes what stands at `at_`.
  void step() {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      if (next() != '\n') put(next());
      at_ += 2;
    } else if (c == '\'' || c == '"') {
      quoted();
    } else if (c == '#' && !in_word_) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\t') {
      end_word();
      ++at_;
    } else if (c == '>' || c == '<') {
      redirect();
    } else if (c == '\n') {
      end_command(Joint::kEnd);
      ++at_;
      skip_heredoc();
    } else if (c == ';' || c == '(' || c == ')') {
      end_command(Joint::kEnd);
      ++at_;
    } else if (c == '&' || c == '|') {
      joint(c);
    } else {
      put(c);
      ++at_;
    }
  }

  void joint(char c) {
    const bool twice = next() == c;
    if (c == '&' && !twice && next() == '>') {  // &> file
      ++at_;
      return;
    }
    end_command(c == '|' ? (twice ? Joint::kOr : Joint::kPipe) : (twice ? Joint::kAnd : Joint::kEnd));
    at_ += twice ? 2 : 1;
  }

  /// `>`, `>>`, `2>&1`, `<`, `<<EOF`, `<<<`. What is written to a file is noted, the rest dropped.
  void redirect() {
    const bool errors = word_ == "2";
    if (errors || word_ == "1") {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<<") && !rest.starts_with("<<<")) return heredoc();
    const bool out = rest.starts_with(">");
    at_ += std::min(rest.find_first_not_of("<>"), rest.size());
    if (at_ < text_.size() && text_[at_] == '&') {  // >&2
      while (at_ < text_.size() && std::string_view("&0123456789-").contains(text_[at_])) ++at_;
      return;
    }
    to_file_ = to_file_ || (out && !errors);
    target_ = true;
  }

  void heredoc() {
    at_ += 2;
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '~')) ++at_;
    at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    const std::size_t end = std::min(text_.find_first_of(" \t\n;|&)", at_), text_.size());
    ends_at_.clear();
    for (const char c : text_.substr(at_, end - at_))
      if (c != '\'' && c != '"' && c != '\\') ends_at_.push_back(c);
    heredoc_of_ = commands_.size();
    at_ = end;
  }

  /// After the line that began one: its body belongs to the command, not to the script.
  void skip_heredoc() {
    if (ends_at_.empty()) return;
    std::string body;
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      const std::string_view line = text_.substr(at_, end - at_);
      at_ = std::min(end + 1, text_.size());
      if (trim(line) == ends_at_) break;
      body.append(line).push_back('\n');
    }
    ends_at_.clear();
    if (heredoc_of_ < commands_.size()) commands_[heredoc_of_].heredoc = std::move(body);
  }

  void quoted() {
    const char quote = text_[at_++];
    in_word_ = true;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      put(text_[at_]);
    }
    ++at_;
  }

  void put(char c) {
    in_word_ = true;
    word_.push_back(c);
  }
  void end_word() {
    if (in_word_ && !std::exchange(target_, false) && !(command_.words.empty() && is_prefix(word_)))
      command_.words.push_back(word_);
    word_.clear();
    in_word_ = false;
  }
  void end_command(Joint after) {
    end_word();
    target_ = false;
    command_.after = after;
    command_.to_file = std::exchange(to_file_, false);
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Command> commands_;
  Command command_;
  std::string word_;
  bool in_word_ = false;
  bool to_file_ = false;
  bool target_ = false;         ///< the next word is where output goes
  std::string ends_at_;         ///< the word that ends the here-document; empty: there is none
  std::size_t heredoc_of_ = 0;  ///< index of its command
};

}  // namespace

bool Command::has(std::string_view word) const {
  return std::ranges::find(words, word) != words.end();
}

bool Command::begins(std::initializer_list<std::string_view> first) const {
  return words.size() >= first.size() && std::equal(first.begin(), first.end(), words.begin());
}

std::vector<Command> shell_commands(std::string_view text) {
  return Splitter(text).run();
}

}  // namespace tidegate::pipeline::lints
