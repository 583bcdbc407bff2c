#include "adapters/neo4j/curriculum_json.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/json_text.h"
#include "base/text.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;
using release::GraphProblem;
using release::GraphValue;
using Kind = GraphProblem::Kind;

// Two bytes of "[[[…" can become sixteen in memory; so memory is bounded apart from the text.
class BoundedMemory final : public json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t limit) : left_(limit) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    return ::operator new(bytes, std::align_val_t{align});
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t align) override {
    left_ += bytes;
    ::operator delete(memory, std::align_val_t{align});
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
};

std::string position(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto start = before.rfind('\n');
  const auto column = 1 + offset - (start == std::string_view::npos ? 0 : start + 1);
  return fmt::format("line {}, column {}", line, column);
}

Result<json::value> parse(std::string_view text, const CurriculumLimits& limits,
                          const json::storage_ptr& memory) {
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::stream_parser parser(memory, options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) {
    return fail(Errc::kInvalid, "more text after the end, " + position(text, used));
  }
  if (!error) parser.finish(error);
  if (error) return fail(Errc::kInvalid, "not JSON: " + error.message() + ", " + position(text, used));
  return parser.release();
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something";
}

// One list of one kind. Integers among decimals become decimals, as JSON writers drop ".0".
std::optional<GraphValue> list_value(const json::array& list) {
  if (std::ranges::all_of(list, [](const json::value& v) { return v.is_string(); })) {
    std::vector<std::string> texts;
    for (const auto& item : list) texts.emplace_back(view(item.get_string()));
    return texts;
  }
  if (std::ranges::all_of(list, [](const json::value& v) { return v.is_int64(); })) {
    std::vector<std::int64_t> numbers;
    for (const auto& item : list) numbers.push_back(item.get_int64());
    return numbers;
  }
  if (std::ranges::all_of(list, [](const json::value& v) { return v.is_double() || v.is_int64(); })) {
    std::vector<double> numbers;
    for (const auto& item : list) {
      numbers.push_back(item.is_double() ? item.get_double() : static_cast<double>(item.get_int64()));
    }
    return numbers;
  }
  return std::nullopt;
}

std::optional<GraphValue> scalar_value(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) return value.get_double();
  if (value.is_string()) return std::string(view(value.get_string()));
  if (value.is_array()) return list_value(value.get_array());
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const CurriculumLimits& limits) : limits_(limits) {}

  Curriculum read(const json::value& root) {
    if (!root.is_object()) {
      add(Kind::kShape, "", fmt::format("the whole is {}, not an object", kind_name(root)));
      return finish();
    }
    const auto& object = root.get_object();
    out_.graph.curriculum = title(object, "curriculum");
    out_.graph.revision = title(object, "revision");
    each(object, "nodes", true, [this](const json::object& o, std::size_t i) { node(o, i); });
    each(object, "edges", false, [this](const json::object& o, std::size_t i) { edge(o, i); });
    return finish();
  }

 private:
  void add(Kind kind, std::string place, std::string message) {
    out_.problems.push_back({kind, std::move(place), std::move(message)});
  }

  Curriculum finish() {
    out_.problems = release::bounded(std::move(out_.problems), limits_.max_problems);
    return std::move(out_);
  }

  std::string title(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || value->is_null()) return {};
    if (value->is_string()) return std::string(view(value->get_string()));
    if (value->is_int64()) return std::to_string(value->get_int64());
    add(Kind::kShape, fmt::format("/{}", name), fmt::format("is {}, not a text", kind_name(*value)));
    return {};
  }

  template <class Take>
  void each(const json::object& object, std::string_view name, bool required, const Take& take) {
    const auto* value = object.if_contains(name);
    if (value == nullptr) {
      if (required) add(Kind::kShape, fmt::format("/{}", name), "is missing");
      return;
    }
    if (!value->is_array()) {
      return add(Kind::kShape, fmt::format("/{}", name), fmt::format("is {}, not a list", kind_name(*value)));
    }
    std::size_t index = 0;
    for (const auto& item : value->get_array()) {
      if (item.is_object()) {
        take(item.get_object(), index);
      } else {
        add(Kind::kShape, fmt::format("/{}/{}", name, index),
            fmt::format("is {}, not an object", kind_name(item)));
      }
      ++index;
    }
  }

  std::optional<std::string> text(const json::object& object, std::string_view name,
                                  const std::string& place) {
    const auto* value = object.if_contains(name);
    if (value != nullptr && value->is_string()) return std::string(view(value->get_string()));
    add(Kind::kShape, fmt::format("{}/{}", place, name),
        value == nullptr ? "is missing" : fmt::format("is {}, not a text", kind_name(*value)));
    return std::nullopt;
  }

  std::vector<release::GraphProperty> properties(const json::object& object, const std::string& place,
                                                 std::initializer_list<std::string_view> own) {
    std::vector<release::GraphProperty> result;
    for (const auto& member : object) {
      const std::string_view name{member.key().data(), member.key().size()};
      if (std::ranges::find(own, name) != own.end() || member.value().is_null()) continue;
      if (auto value = scalar_value(member.value())) {
        result.push_back({std::string(name), *std::move(value)});
        continue;
      }
      const std::string at =
          place + "/" + replace_all(replace_all(printable(name, 60), "~", "~0"), "/", "~1");
      add(Kind::kValue, at,
          member.value().is_array()    ? "the list is not of one kind (texts, or numbers)"
          : member.value().is_object() ? "is an object; a property is a text, a number, a boolean or a list"
                                       : "the number is larger than 64 bits");
    }
    return result;
  }

  void node(const json::object& object, std::size_t index) {
    const std::string place = fmt::format("/nodes/{}", index);
    auto uid = text(object, "uid", place);
    auto label = text(object, "label", place);
    auto rest = properties(object, place, {"uid", "label"});
    if (uid && label)
      out_.graph.nodes.push_back({index, *std::move(uid), *std::move(label), std::move(rest)});
  }

  void edge(const json::object& object, std::size_t index) {
    const std::string place = fmt::format("/edges/{}", index);
    auto type = text(object, "type", place);
    auto from = text(object, "from", place);
    auto to = text(object, "to", place);
    auto rest = properties(object, place, {"type", "from", "to"});
    if (type && from && to) {
      out_.graph.edges.push_back(
          {index, *std::move(type), *std::move(from), *std::move(to), std::move(rest)});
    }
  }

  const CurriculumLimits& limits_;
  Curriculum out_;
};

}  // namespace

Result<Curriculum> parse_curriculum(std::string_view text, const CurriculumLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Errc::kInvalid, fmt::format("{} bytes; at most {}", text.size(), limits.max_bytes));
  }
  BoundedMemory bounded(limits.max_memory);
  try {
    TG_TRY(const auto root, parse(text, limits, json::storage_ptr(&bounded)));
    return Reader(limits).read(root);
  } catch (const std::bad_alloc&) {
    return fail(Errc::kInvalid,
                fmt::format("needs more than {} MiB of memory to read", limits.max_memory >> 20U));
  }
}

}  // namespace tidegate::neo4j
