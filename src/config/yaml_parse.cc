// The one file that knows libyaml: its events become our tree, by the rules of Psych (lib/psych/visitors/
// to_ruby.rb) where they differ from the YAML specification: duplicate keys, `<<`, tags.
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>
#include <yaml.h>

#include "base/text.h"
#include "config/yaml.h"
#include "config/yaml_map.h"
#include "config/yaml_scalar.h"

namespace tidegate::config::yaml {
namespace {

constexpr std::size_t kMostNotes = 1000;
constexpr std::size_t kPlainKey = 1000;  ///< bytes of a key that needs no further look

struct Event {
  yaml_event_t raw{};
  ~Event() { yaml_event_delete(&raw); }
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

// Views: the event must outlive them.
std::string_view text_of(const yaml_char_t* chars, std::size_t length) {
  return {reinterpret_cast<const char*>(chars), length};
}

std::string_view text_of(const yaml_char_t* chars) {
  return chars == nullptr ? std::string_view() : reinterpret_cast<const char*>(chars);
}

/// How a value came to be, which decides what `<<` does with it.
enum class Origin : std::uint8_t { kScalar, kAlias, kList, kMap };

struct Frame {
  bool is_map = false;
  Mark mark;
  std::string tag;
  std::string anchor;
  std::size_t number = 0;  ///< of this value in the text, from 1
  std::vector<NodePtr> items;
  MapBuilder map;
  bool has_key = false;
  bool merge_key = false;
  std::string key;
  Mark key_mark;
};

/// What an anchor's name stands for at this point of the text. Names may be given again, also inside.
struct Anchor {
  NodePtr node;          ///< nothing while its own value is still open
  std::size_t open = 0;  ///< number of the value that is open
  std::size_t note = 0;  ///< index into Parsed::anchors
};

class Builder {
 public:
  Builder(const std::string& file, const Limits& limits)
      : file_(std::make_shared<const std::string>(file)), limits_(limits) {}

  Parsed run(std::string_view text);

 private:
  // False stops the reading; a diagnostic has then been added.
  bool handle(const yaml_event_t& event);
  bool on_scalar(const yaml_event_t& event);
  bool on_alias(const yaml_event_t& event);
  void note_altered(const yaml_event_t& event, const Scalar& scalar, const Mark& at);
  bool open(const yaml_event_t& event, bool is_map);
  bool close();
  Anchor& name_anchor(std::string name, const Mark& at);
  bool place_value(NodePtr value, Origin origin, std::string_view tag);
  bool expects_key() const { return !stack_.empty() && stack_.back().is_map && !stack_.back().has_key; }
  void set_key(std::string key, Mark at, std::string_view tag);
  bool add_entry(Frame& frame, NodePtr value, Origin origin);
  void finish_document();
  void syntax_error(const yaml_parser_t& parser);

  Mark mark(const yaml_mark_t& at) const {
    return {.file = file_,
            .line = static_cast<std::uint32_t>(at.line + 1),
            .column = static_cast<std::uint32_t>(at.column + 1)};
  }
  bool refuse(const Mark& at, std::string code, std::string message, std::string hint = {}) {
    out_.diagnostics.push_back({.severity = Severity::kError,
                                .code = std::move(code),
                                .message = std::move(message),
                                .place = at.place(),
                                .hint = std::move(hint)});
    return false;
  }

  std::shared_ptr<const std::string> file_;
  Limits limits_;
  Parsed out_;
  std::vector<Frame> stack_;
  std::unordered_map<std::string, Anchor> anchors_;
  NodePtr root_;
  std::size_t nodes_ = 0;
  std::size_t merged_ = 0;
  bool done_ = false;
};

std::string hint_for(std::string_view problem, std::string_view context) {
  if (problem.find("mapping values are not allowed") != std::string_view::npos)
    return "Quote the value: it contains \": \".";
  if (problem.find("cannot start any token") != std::string_view::npos)
    return "Indent with spaces, not tabs, and quote values that begin with @, ` or %.";
  if (problem.find("did not find expected") != std::string_view::npos)
    return "Check the indentation and the quotes here and just above.";
  if (context.find("quoted scalar") != std::string_view::npos)
    return "In double quotes a backslash needs a second one; single quotes take it as it is.";
  return {};
}

void Builder::syntax_error(const yaml_parser_t& parser) {
  const std::string problem = parser.problem == nullptr ? "cannot be read" : parser.problem;
  const std::string context = parser.context == nullptr ? "" : parser.context;
  Mark at = mark(parser.problem_mark);
  if (parser.error == YAML_READER_ERROR) at = {.file = file_, .line = 0, .column = 0};
  refuse(at, "yaml-syntax",
         context.empty() ? "Invalid YAML: " + problem : fmt::format("Invalid YAML: {} {}", problem, context),
         hint_for(problem, context));
}

Parsed Builder::run(std::string_view text) {
  if (text.size() > limits_.bytes) {
    refuse({.file = file_, .line = 0, .column = 0}, "yaml-too-large",
           fmt::format("The file has {} bytes; at most {} are read", text.size(), limits_.bytes));
    return std::move(out_);
  }
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) {
    refuse({.file = file_, .line = 0, .column = 0}, "yaml-syntax", "Out of memory");
    return std::move(out_);
  }
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  while (!done_) {
    Event event;
    if (yaml_parser_parse(&parser, &event.raw) == 0) {
      syntax_error(parser);
      break;
    }
    if (!handle(event.raw)) break;
  }
  yaml_parser_delete(&parser);
  return std::move(out_);
}

bool Builder::handle(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_STREAM_END_EVENT:
      done_ = true;
      return true;
    case YAML_DOCUMENT_START_EVENT:
      root_.reset();
      anchors_.clear();
      return true;
    case YAML_DOCUMENT_END_EVENT:
      finish_document();
      return true;
    case YAML_ALIAS_EVENT:
      return on_alias(event);
    case YAML_SCALAR_EVENT:
      return on_scalar(event);
    case YAML_SEQUENCE_START_EVENT:
      return open(event, false);
    case YAML_MAPPING_START_EVENT:
      return open(event, true);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return close();
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
      return true;
  }
  return true;
}

void Builder::finish_document() {
  if (root_) out_.documents.push_back(std::exchange(root_, nullptr));
  if (out_.documents.size() >= limits_.documents) done_ = true;
}

bool Builder::on_alias(const yaml_event_t& event) {
  const std::string name(text_of(event.data.alias.anchor));
  const auto found = anchors_.find(name);
  if (found == anchors_.end())
    return refuse(mark(event.start_mark), "yaml-unknown-anchor", fmt::format("Unknown anchor: *{}", name),
                  fmt::format("Write &{} before its first use, in this file.", name));
  if (!found->second.node)
    return refuse(mark(event.start_mark), "yaml-alias-cycle", fmt::format("*{} stands inside itself", name));
  ++out_.anchors[found->second.note].uses;
  return place_value(found->second.node, Origin::kAlias, {});
}

/// The scalar's value by tag and style.
Scalar read_scalar(const yaml_event_t& event, std::string_view tag) {
  const auto& raw = event.data.scalar;
  const std::string_view text = text_of(raw.value, raw.length);
  if (tag == "!binary" || tag == "tag:yaml.org,2002:binary") {
    return {.kind = Kind::kString, .text = read_binary(text), .refused = {}};
  }
  // quoted_implicit: quoted and without a tag. A quoted scalar with a foreign tag is read like a plain one.
  if (raw.quoted_implicit != 0 || tag == "!str" || tag == "tag:yaml.org,2002:str")
    return {.kind = Kind::kString, .text = std::string(text), .refused = {}};
  if (tag.starts_with("!ruby/"))
    return {.kind = Kind::kString, .text = {}, .refused = std::string(tag.substr(6))};
  Scalar scalar = read_plain(text);
  return tag == "!float" || tag == "tag:yaml.org,2002:float" ? to_float(std::move(scalar)) : scalar;
}

bool Builder::on_scalar(const yaml_event_t& event) {
  const std::string_view tag = text_of(event.data.scalar.tag);
  Mark at = mark(event.start_mark);
  if (++nodes_ > limits_.nodes) return refuse(at, "yaml-too-large", "Too many values in one file");
  NodePtr node;
  if (tag == "!reference") {
    node = make_reference({}, at);
  } else {
    Scalar scalar = read_scalar(event, tag);
    if (!scalar.refused.empty())
      return refuse(at, "yaml-refused-type",
                    fmt::format("Invalid YAML: tried to load unspecified class: {}", scalar.refused),
                    scalar.refused == "Date" || scalar.refused == "Time"
                        ? fmt::format("Quote it: \"{}\".", printable(scalar.text, 40))
                        : "");
    const auto style = event.data.scalar.style;
    const bool folded = (style == YAML_PLAIN_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) &&
                        event.end_mark.line > event.start_mark.line;
    note_altered(event, scalar, at);
    // Most scalars are keys, and of those only the text stays.
    if (expects_key() && event.data.scalar.anchor == nullptr && scalar.text.size() < kPlainKey) {
      set_key(std::move(scalar.text), std::move(at), tag);
      return true;
    }
    node = make_scalar(scalar.kind, std::move(scalar.text), at, folded);
  }
  if (const auto anchor = text_of(event.data.scalar.anchor); !anchor.empty())
    name_anchor(std::string(anchor), at).node = node;
  return place_value(std::move(node), Origin::kScalar, tag);
}

void Builder::note_altered(const yaml_event_t& event, const Scalar& scalar, const Mark& at) {
  const auto& raw = event.data.scalar;
  if (raw.style != YAML_PLAIN_SCALAR_STYLE || scalar.kind == Kind::kNull || out_.altered.size() >= kMostNotes)
    return;
  const std::string_view written = text_of(raw.value, raw.length);
  if (written != scalar.text) out_.altered.push_back({.mark = at, .written = std::string(written)});
}

Anchor& Builder::name_anchor(std::string name, const Mark& at) {
  out_.anchors.push_back({.name = name, .mark = at});
  return anchors_[std::move(name)] = {.node = nullptr, .open = 0, .note = out_.anchors.size() - 1};
}

bool Builder::open(const yaml_event_t& event, bool is_map) {
  const Mark at = mark(event.start_mark);
  if (++nodes_ > limits_.nodes) return refuse(at, "yaml-too-large", "Too many values in one file");
  if (stack_.size() >= limits_.depth)
    return refuse(at, "yaml-too-deep", fmt::format("Nested deeper than {} levels", limits_.depth));
  const auto* tag = is_map ? event.data.mapping_start.tag : event.data.sequence_start.tag;
  const auto* anchor = is_map ? event.data.mapping_start.anchor : event.data.sequence_start.anchor;
  Frame frame;
  frame.is_map = is_map;
  frame.mark = at;
  frame.tag = text_of(tag);
  frame.anchor = text_of(anchor);
  if (frame.tag.starts_with("!ruby/"))
    return refuse(at, "yaml-refused-type",
                  fmt::format("Invalid YAML: tried to load unspecified class: {}", frame.tag.substr(6)));
  frame.number = nodes_;
  if (!frame.anchor.empty()) name_anchor(frame.anchor, at).open = frame.number;
  stack_.push_back(std::move(frame));
  return true;
}

bool Builder::close() {
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  NodePtr node;
  if (frame.tag == "!reference") {
    node = make_reference(std::move(frame.items), frame.mark);
  } else if (frame.is_map) {
    node = make_map(frame.map.take(), frame.mark);
  } else {
    node = make_list(std::move(frame.items), frame.mark);
  }
  if (node->weight > limits_.weight)
    return refuse(frame.mark, "yaml-too-large", "Too large once its aliases are written out");
  // Psych registers a collection where it begins, so a name given again inside it stays with the inner value.
  if (!frame.anchor.empty())
    if (Anchor& anchor = anchors_[frame.anchor]; anchor.open == frame.number) {
      anchor.node = node;
      anchor.open = 0;
    }
  return place_value(std::move(node), frame.is_map ? Origin::kMap : Origin::kList, frame.tag);
}

bool Builder::place_value(NodePtr value, Origin origin, std::string_view tag) {
  if (stack_.empty()) {
    root_ = std::move(value);
    return true;
  }
  Frame& frame = stack_.back();
  if (!frame.is_map) {
    frame.items.push_back(std::move(value));
    return true;
  }
  if (frame.has_key) {
    frame.has_key = false;
    return add_entry(frame, std::move(value), origin);
  }
  if (value->weight > 1000)  // a key's text is built from the whole value
    return refuse(value->mark, "yaml-too-large", "This key is too large");
  set_key(key_text(*value), value->mark, tag);
  return true;
}

void Builder::set_key(std::string key, Mark at, std::string_view tag) {
  Frame& frame = stack_.back();
  frame.has_key = true;
  frame.merge_key = key == "<<" && tag != "tag:yaml.org,2002:str";
  frame.key = std::move(key);
  frame.key_mark = std::move(at);
}

bool Builder::add_entry(Frame& frame, NodePtr value, Origin origin) {
  if (frame.merge_key) {
    if (value->kind == Kind::kReference)
      return refuse(value->mark, "invalid-merge", "`<<` takes a hash of this file, not a !reference",
                    "Use `extends`, or an anchor.");
    const bool one = (origin == Origin::kAlias || origin == Origin::kMap) && value->is_map();
    const bool many = origin == Origin::kList && value->is_list() &&
                      std::ranges::all_of(value->items, [](const NodePtr& item) { return item->is_map(); });
    if (one) {
      merged_ += value->entries.size();
      frame.map.merge(*value);
    } else if (many) {
      // In a list the first one wins: gather from the back, then merge the whole.
      MapBuilder gathered;
      for (auto item = value->items.rbegin(); item != value->items.rend(); ++item) {
        merged_ += (*item)->entries.size();
        gathered.merge(**item);
        if (merged_ > limits_.nodes) break;
      }
      frame.map.merge(*make_map(gathered.take(), value->mark));
    }
    if (merged_ > limits_.nodes)
      return refuse(value->mark, "yaml-too-large", "Too large once its merge keys are written out");
    if (one || many) return true;
  }
  const auto earlier = frame.map.set(std::move(frame.key), frame.key_mark, std::move(value), true);
  if (earlier && out_.diagnostics.size() < 100)
    out_.diagnostics.push_back(
        {.severity = Severity::kWarning,
         .code = "duplicate-key",
         .message =
             fmt::format("This key was already given at line {}; that value is dropped", earlier->line),
         .place = frame.key_mark.place(),
         .hint = "Keep one of the two."});
  return true;
}

}  // namespace

Parsed parse(std::string_view text, const std::string& file, const Limits& limits) {
  return Builder(file, limits).run(text);
}

}  // namespace tidegate::config::yaml
