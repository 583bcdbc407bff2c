#include "adapters/neo4j/json_reader.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/json_text.h"
#include "release/graph_places.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;
using release::GraphValue;
using release::member_place;
using Kind = release::GraphProblem::Kind;

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

}  // namespace

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

std::optional<GraphValue> property_value(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) return value.get_double();
  if (value.is_string()) return std::string(view(value.get_string()));
  if (value.is_array()) return list_value(value.get_array());
  return std::nullopt;
}

void JsonReader::problem(Kind kind, std::string place, std::string message) {
  out.problems.push_back({kind, std::move(place), std::move(message)});
}

std::string JsonReader::title(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return std::string(view(value->get_string()));
  if (value->is_int64()) return std::to_string(value->get_int64());
  problem(Kind::kShape, member_place("", name), fmt::format("is {}, not a text", kind_name(*value)));
  return {};
}

std::optional<std::string> JsonReader::text(const json::object& object, std::string_view name,
                                            const std::string& place) {
  const auto* value = object.if_contains(name);
  if (value != nullptr && value->is_string()) return std::string(view(value->get_string()));
  problem(Kind::kShape, member_place(place, name),
          value == nullptr ? "is missing" : fmt::format("is {}, not a text", kind_name(*value)));
  return std::nullopt;
}

std::optional<std::string> JsonReader::optional_text(const json::object& object, std::string_view name,
                                                     const std::string& place) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return text(object, name, place);
}

void JsonReader::each(const json::object& object, std::string_view name, const std::string& place,
                      bool required, const TakeObject& take) {
  const auto* value = object.if_contains(name);
  const std::string list = member_place(place, name);
  if (value == nullptr || (value->is_null() && !required)) {
    if (required) problem(Kind::kShape, list, "is missing");
    return;
  }
  if (!value->is_array()) {
    return problem(Kind::kShape, list, fmt::format("is {}, not a list", kind_name(*value)));
  }
  std::size_t index = 0;
  for (const auto& item : value->get_array()) {
    const std::string at = fmt::format("{}/{}", list, index++);
    if (item.is_object())
      take(item.get_object(), at);
    else
      problem(Kind::kShape, at, fmt::format("is {}, not an object", kind_name(item)));
  }
}

std::vector<release::GraphProperty> JsonReader::properties(const json::object& object,
                                                           const std::string& place,
                                                           std::initializer_list<std::string_view> own) {
  std::vector<release::GraphProperty> result;
  for (const auto& member : object) {
    const std::string_view name{member.key().data(), member.key().size()};
    if (std::ranges::find(own, name) != own.end() || member.value().is_null()) continue;
    if (auto value = property_value(member.value())) {
      result.push_back({std::string(name), *std::move(value)});
      continue;
    }
    problem(Kind::kValue, member_place(place, name),
            member.value().is_array()    ? "the list is not of one kind (texts, or numbers)"
            : member.value().is_object() ? "is an object; a property is a text, a number, a boolean or a list"
                                         : "the number is larger than 64 bits");
  }
  return result;
}

void read_plain(JsonReader& reader, const json::object& root) {
  reader.out.graph.curriculum = reader.title(root, "curriculum");
  reader.out.graph.revision = reader.title(root, "revision");
  reader.each(root, "nodes", "", true, [&](const json::object& object, const std::string& place) {
    auto uid = reader.text(object, "uid", place);
    auto label = reader.text(object, "label", place);
    auto rest = reader.properties(object, place, {"uid", "label"});
    if (uid && label)
      reader.out.graph.nodes.push_back({place, *std::move(uid), *std::move(label), std::move(rest)});
  });
  reader.each(root, "edges", "", false, [&](const json::object& object, const std::string& place) {
    auto type = reader.text(object, "type", place);
    auto from = reader.text(object, "from", place);
    auto to = reader.text(object, "to", place);
    auto rest = reader.properties(object, place, {"type", "from", "to"});
    if (type && from && to) {
      reader.out.graph.edges.push_back(
          {place, *std::move(type), *std::move(from), *std::move(to), std::move(rest)});
    }
  });
}

}  // namespace tidegate::neo4j
