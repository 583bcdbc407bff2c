// Which warnings are switched off, by code and by comment.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "pipeline/lints/lint.h"

namespace tidegate::pipeline::lints {
namespace {

constexpr std::string_view kMark = "tidegate-lint:";

using Codes = std::set<std::string>;

bool names(const Codes& codes, const std::string& code) {
  return codes.contains(code) || codes.contains("all");
}

Codes codes_of(std::string_view list) {
  Codes codes;
  for (const std::string& code : split(list.substr(0, list.find_first_of(" \t\r")), ','))
    codes.insert(std::string(trim(code)));
  return codes;
}

/// What the line says to lints; empty: nothing.
std::string_view comment_in(std::string_view line) {
  const auto hash = line.rfind('#');
  if (hash == std::string_view::npos) return {};
  const std::string_view said = trim(line.substr(hash + 1));
  return said.starts_with(kMark) ? trim(said.substr(kMark.size())) : std::string_view();
}

/// The comments of one file.
struct Comments {
  Codes whole;
  std::map<std::uint32_t, Codes> lines;  ///< by the line that they are about
};

Comments comments_of(const std::string& text) {
  Comments out;
  if (!text.contains(kMark)) return out;
  Codes waiting;  // of comments alone on their lines: they are about the next line that is none
  std::uint32_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    const std::string_view said = comment_in(line);
    if (said.starts_with("disable-file=")) {
      out.whole.merge(codes_of(said.substr(13)));
    } else if (said.starts_with("disable=")) {
      waiting.merge(codes_of(said.substr(8)));
    }
    if (!waiting.empty() && !trim(line).starts_with('#')) out.lines[number].merge(std::exchange(waiting, {}));
  }
  return out;
}

}  // namespace

void drop_disabled(config::Diagnostics& found, const std::vector<std::string>& codes,
                   const config::Sources& sources) {
  const Codes off(codes.begin(), codes.end());
  std::map<std::string, Comments> files;
  std::erase_if(found, [&](const config::Diagnostic& one) {
    if (one.severity == config::Severity::kError) return false;
    if (names(off, one.code)) return true;
    auto file = files.find(one.place.file);
    if (file == files.end()) {
      const auto text = sources.read ? sources.read(one.place.file) : std::nullopt;
      file = files.emplace(one.place.file, text ? comments_of(*text) : Comments()).first;
    }
    const Comments& comments = file->second;
    const auto line = comments.lines.find(one.place.line);
    return names(comments.whole, one.code) || (line != comments.lines.end() && names(line->second, one.code));
  });
}

}  // namespace tidegate::pipeline::lints
