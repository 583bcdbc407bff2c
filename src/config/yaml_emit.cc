// Writes a tree as YAML 1.1 text that reads back to the same tree.
#include <cstdint>

#include <fmt/core.h>

#include "base/text.h"
#include "config/yaml.h"
#include "config/yaml_scalar.h"

namespace tidegate::config::yaml {
namespace {

/// Decodes one character of valid UTF-8 at `at`; moves `at` behind it.
std::uint32_t decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  std::uint32_t code = lead & (0x3FU >> more);
  for (int i = 0; i < more && at < text.size(); ++i) code = (code << 6) | (byte(at++) & 0x3FU);
  return code;
}

/// Characters that libyaml takes as they are, inside one line.
bool is_printable(std::uint32_t c) {
  return (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF && c != 0x2028 && c != 0x2029) ||
         (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || (c >= 0x10000 && c <= 0x10FFFF);
}

bool all_printable(std::string_view text, bool with_newlines) {
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = decode(text, at);
    if (!is_printable(c) && !(with_newlines && c == '\n')) return false;
  }
  return true;
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const std::uint32_t c = decode(text, at);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(start, at - start);
    } else if (c > 0xFFFF) {
      out += fmt::format("\\U{:08X}", c);
    } else {
      out += fmt::format("\\u{:04X}", c);
    }
  }
  return out + "\"";
}

bool is_plain_safe(std::string_view text) {
  if (text.empty() || text.size() > 200 || !all_printable(text, false)) return false;
  const char first = text[0];
  const bool word = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                    (first >= '0' && first <= '9') || first == '_' || first == '.' || first == '/' ||
                    first == '$';
  if (!word || text.starts_with("...") || text.back() == ' ' || text.back() == ':') return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  const Scalar read = read_plain(text);
  return read.kind == Kind::kString && read.refused.empty() && read.text == text;
}

bool is_block_safe(std::string_view text) {
  return text.find('\n') != std::string_view::npos && text[0] != '\n' && text[0] != ' ' &&
         all_printable(text, true);
}

class Emitter {
 public:
  std::string run(const Node& node) {
    value(node, 0);
    return std::move(out_);
  }

 private:
  /// Writes the value after "key:" or "-"; ends the line.
  void value(const Node& node, int indent);
  void map(const Node& node, int indent, bool first_inline);
  void list(const Node& node, int indent, bool first_inline);
  void block(std::string_view text, int indent);
  static std::string flow(const Node& node);
  static std::string scalar(const Node& node);

  void pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }

  std::string out_;
};

std::string Emitter::scalar(const Node& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kFloat:
      if (node.text == "NaN") return ".nan";
      if (node.text.ends_with("Infinity")) return node.text[0] == '-' ? "-.inf" : ".inf";
      return node.text;
    case Kind::kBool:
    case Kind::kInt:
      return node.text;
    case Kind::kString:
      if (!is_utf8(node.text)) return "!!binary " + double_quoted(base64_encode(node.text));
      return is_plain_safe(node.text) ? node.text : double_quoted(node.text);
    case Kind::kList:
    case Kind::kMap:
    case Kind::kReference:
      break;
  }
  return {};
}

std::string Emitter::flow(const Node& node) {
  if (node.is_scalar())
    return node.is_string() && is_utf8(node.text) ? double_quoted(node.text) : scalar(node);
  std::string out = node.kind == Kind::kReference ? "!reference [" : node.is_map() ? "{" : "[";
  bool first = true;
  for (const NodePtr& item : node.items) {
    out += (first ? "" : ", ") + flow(*item);
    first = false;
  }
  for (const Entry& entry : node.entries) {
    out += fmt::format("{}? {} : {}", first ? "" : ", ", double_quoted(entry.key), flow(*entry.value));
    first = false;
  }
  return out + (node.is_map() ? "}" : "]");
}

void Emitter::block(std::string_view text, int indent) {
  const bool ends = text.ends_with('\n');
  const bool ends_twice = text.ends_with("\n\n");
  out_ += ends_twice ? "|+\n" : ends ? "|\n" : "|-\n";
  const auto lines = split(ends ? text.substr(0, text.size() - 1) : text, '\n');
  for (const std::string& line : lines) {
    if (!line.empty()) pad(indent);
    out_ += line + "\n";
  }
}

void Emitter::value(const Node& node, int indent) {
  if (node.is_map() && !node.entries.empty()) return map(node, indent, false);
  if (node.is_list() && !node.items.empty()) return list(node, indent, false);
  if (node.is_string() && is_utf8(node.text) && is_block_safe(node.text)) {
    out_ += " ";
    return block(node.text, indent == 0 ? 2 : indent);
  }
  out_ += (out_.empty() ? "" : " ") + (node.is_scalar() ? scalar(node) : flow(node)) + "\n";
}

void Emitter::map(const Node& node, int indent, bool first_inline) {
  if (!first_inline && !out_.empty()) out_ += "\n";
  bool first = first_inline;
  for (const Entry& entry : node.entries) {
    if (!first) pad(indent);
    first = false;
    const std::string key = is_plain_safe(entry.key) ? entry.key : double_quoted(entry.key);
    // `<<` and keys too long for libyaml's simple keys need their tag or the explicit form.
    const bool merge = entry.key == "<<";
    if (key.size() > 500 || merge) {
      out_ += fmt::format("? {}{}\n", merge ? "!!str " : "", key);
      pad(indent);
      out_ += ":";
    } else {
      out_ += key + ":";
    }
    value(*entry.value, indent + 2);
  }
}

void Emitter::list(const Node& node, int indent, bool first_inline) {
  if (!first_inline && !out_.empty()) out_ += "\n";
  bool first = first_inline;
  for (const NodePtr& item : node.items) {
    if (!first) pad(indent);
    first = false;
    out_ += "-";
    if (item->is_map() && !item->entries.empty()) {
      out_ += " ";
      map(*item, indent + 2, true);
    } else if (item->is_list() && !item->items.empty()) {
      out_ += " ";
      list(*item, indent + 2, true);
    } else {
      value(*item, indent + 2);
    }
  }
}

}  // namespace

std::string emit(const Node& node) {
  return Emitter().run(node);
}

}  // namespace tidegate::config::yaml
