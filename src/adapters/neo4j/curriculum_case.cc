// CASE packages: 1EdTech's Competencies and Academic Standards Exchange, Information Model 1.0 and 1.1,
// CFPackage.
#include <array>
#include <map>
#include <unordered_set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/json_reader.h"
#include "adapters/neo4j/json_text.h"
#include "base/text.h"
#include "release/graph_places.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;
using Kind = release::GraphProblem::Kind;

struct Association {
  std::string_view name;  // as CASE has it, in lower case
  std::string_view type;  // of the edge
  bool reversed = false;  // the edge leads from destination to origin
  bool inside = false;    // both ends must be in the package
};
// CASE 1.1, section "Association Type Enumeration". The others may lead to other frameworks or to resources.
constexpr auto kAssociations = std::to_array<Association>({
    {"ischildof", "HAS_STANDARD", true, true},
    {"precedes", "PREREQUISITE_OF", false, true},
    {"ispartof", "PART_OF", false, true},
    {"ispeerof", "PEER_OF"},
    {"exactmatchof", "EXACT_MATCH_OF"},
    {"isrelatedto", "RELATED_TO"},
    {"replacedby", "REPLACED_BY"},
    {"exemplar", "EXEMPLAR"},
    {"hasskilllevel", "HAS_SKILL_LEVEL"},
    {"istranslationof", "TRANSLATION_OF"},
});

struct Field {
  json::string_view name;
  std::string_view property;
};
constexpr auto kItemFields = std::to_array<Field>({
    {"fullStatement", "text"},
    {"humanCodingScheme", "code"},
    {"abbreviatedStatement", "short_text"},
    {"alternativeLabel", "alternative_label"},
    {"listEnumeration", "list_enumeration"},
    {"CFItemType", "type"},
    {"conceptKeywords", "keywords"},
    {"educationLevel", "education_level"},
    {"subject", "subject"},
    {"language", "language"},
    {"notes", "notes"},
    {"uri", "uri"},
    {"lastChangeDateTime", "changed_at"},
});
constexpr auto kDocumentFields = std::to_array<Field>({
    {"title", "title"},
    {"creator", "creator"},
    {"publisher", "publisher"},
    {"description", "description"},
    {"adoptionStatus", "adoption_status"},
    {"version", "revision"},
    {"language", "language"},
    {"subject", "subject"},
    {"uri", "uri"},
    {"lastChangeDateTime", "changed_at"},
});

const Association* association_of(std::string_view name) {
  // Older exports write "Is Child Of".
  const std::string key = to_lower(replace_all(std::string(name), " ", ""));
  for (const auto& association : kAssociations) {
    if (association.name == key) return &association;
  }
  return nullptr;
}

class Package {
 public:
  explicit Package(JsonReader& reader) : reader_(reader) {}

  void read(const json::object& root) {
    document(root);
    reader_.each(root, "CFItems", "", true, [&](const json::object& item, const std::string& place) {
      auto uid = reader_.text(item, "identifier", place);
      (void)reader_.text(item, "fullStatement", place);
      auto properties = fields(item, kItemFields, place);
      if (uid) add_node(place, *std::move(uid), "Standard", std::move(properties));
    });
    reader_.each(root, "CFAssociations", "", false,
                 [&](const json::object& item, const std::string& place) { association(item, place); });
    note("lead out of the package", outside_);
    note("are of a type of their maker's own", extensions_);
  }

 private:
  void document(const json::object& root) {
    const auto* value = root.if_contains("CFDocument");
    if (value == nullptr || !value->is_object()) {
      return reader_.problem(
          Kind::kShape, "/CFDocument",
          value == nullptr ? "is missing" : fmt::format("is {}, not an object", kind_name(*value)));
    }
    const auto& object = value->get_object();
    auto uid = reader_.text(object, "identifier", "/CFDocument");
    reader_.out.graph.curriculum = reader_.text(object, "title", "/CFDocument").value_or("");
    reader_.out.graph.revision = reader_.optional_text(object, "version", "/CFDocument").value_or("");
    if (uid) {
      add_node("/CFDocument", *std::move(uid), "Subject", fields(object, kDocumentFields, "/CFDocument"));
    }
  }

  void add_node(const std::string& place, std::string uid, std::string label,
                std::vector<release::GraphProperty> properties) {
    known_.insert(uid);
    reader_.out.graph.nodes.push_back({place, std::move(uid), std::move(label), std::move(properties)});
  }

  template <std::size_t N>
  std::vector<release::GraphProperty> fields(const json::object& object, const std::array<Field, N>& fields,
                                             const std::string& place) {
    std::vector<release::GraphProperty> result;
    for (const auto& field : fields) {
      const auto* value = object.if_contains(field.name);
      if (value == nullptr || value->is_null() || (value->is_string() && value->get_string().empty()))
        continue;
      if (auto property = property_value(*value)) {
        result.push_back({std::string(field.property), *std::move(property)});
      } else {
        reader_.problem(Kind::kValue, release::member_place(place, field.name),
                        fmt::format("is {}, not a text or a list of texts", kind_name(*value)));
      }
    }
    return result;
  }

  std::optional<std::string> end_of(const json::object& object, std::string_view name,
                                    const std::string& place) {
    const auto* value = object.if_contains(name);
    const std::string at = release::member_place(place, name);
    if (value != nullptr && value->is_object()) return reader_.text(value->get_object(), "identifier", at);
    reader_.problem(Kind::kShape, at,
                    value == nullptr ? "is missing" : fmt::format("is {}, not an object", kind_name(*value)));
    return std::nullopt;
  }

  void association(const json::object& object, const std::string& place) {
    const auto name = reader_.text(object, "associationType", place);
    auto from = end_of(object, "originNodeURI", place);
    auto to = end_of(object, "destinationNodeURI", place);
    if (!name || !from || !to) return;
    const auto* association = association_of(*name);
    if (association == nullptr) {
      if (name->starts_with("ext:")) return static_cast<void>(++extensions_[*name]);
      return reader_.problem(Kind::kShape, release::member_place(place, "associationType"),
                             fmt::format("{} is no type of CASE", release::in_quotes(*name)));
    }
    if (!association->inside && (!known_.contains(*from) || !known_.contains(*to))) {
      ++outside_[*name];
      return;
    }
    if (association->reversed) std::swap(from, to);
    std::vector<release::GraphProperty> properties;
    const auto* number = object.if_contains("sequenceNumber");
    if (number != nullptr && number->is_int64()) properties.push_back({"order", number->get_int64()});
    reader_.out.graph.edges.push_back(
        {place, std::string(association->type), *std::move(from), *std::move(to), std::move(properties)});
  }

  void note(std::string_view what, const std::map<std::string, std::size_t>& counts) {
    if (counts.empty()) return;
    std::size_t all = 0;
    std::string each;
    for (const auto& [name, count] : counts) {
      all += count;
      if (each.size() < 500)
        each += fmt::format("{}{} {}", each.empty() ? "" : ", ", printable(name, 60), count);
    }
    reader_.out.notes.push_back(fmt::format("{} associations {} and are left out: {}", all, what, each));
  }

  JsonReader& reader_;
  std::unordered_set<std::string> known_;
  std::map<std::string, std::size_t> outside_, extensions_;
};

}  // namespace

void read_case(JsonReader& reader, const json::object& root) {
  Package(reader).read(root);
}

}  // namespace tidegate::neo4j
