// What the readers of curriculum JSON share: members that must be texts, values as properties, problems with
// places.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "adapters/neo4j/curriculum.h"

namespace tidegate::neo4j {

/// "a list", "null" and so on.
std::string_view kind_name(const boost::json::value& value);

/// A value as a property; nothing for null, objects, numbers over 64 bits and lists of mixed kinds.
std::optional<release::GraphValue> property_value(const boost::json::value& value);

/// Collects a curriculum and what was wrong with it. Places are JSON pointers.
class JsonReader {
 public:
  using TakeObject = std::function<void(const boost::json::object& object, const std::string& place)>;

  void problem(release::GraphProblem::Kind kind, std::string place, std::string message);

  /// A member that names the whole: a text, or a number as text; empty when it is absent.
  std::string title(const boost::json::object& object, std::string_view name);
  /// A member that must be a text.
  std::optional<std::string> text(const boost::json::object& object, std::string_view name,
                                  const std::string& place);
  /// A member that may be absent or null, and must be a text otherwise.
  std::optional<std::string> optional_text(const boost::json::object& object, std::string_view name,
                                           const std::string& place);
  /// Each object of a member that is a list; what is no object is a problem.
  void each(const boost::json::object& object, std::string_view name, const std::string& place, bool required,
            const TakeObject& take);
  /// All members but `own` and nulls.
  std::vector<release::GraphProperty> properties(const boost::json::object& object, const std::string& place,
                                                 std::initializer_list<std::string_view> own);

  Curriculum out;
};

/// {"nodes": […], "edges": […]}
void read_plain(JsonReader& reader, const boost::json::object& root);
/// A CASE 1.0 or 1.1 package: {"CFDocument", "CFItems", "CFAssociations"}.
void read_case(JsonReader& reader, const boost::json::object& root);
/// {…, "children": [{…, "children": […]}]}
void read_tree(JsonReader& reader, const boost::json::object& root);

}  // namespace tidegate::neo4j
