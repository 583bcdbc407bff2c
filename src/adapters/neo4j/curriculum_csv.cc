// Two tables, nodes and edges, into a curriculum.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "adapters/neo4j/csv.h"
#include "adapters/neo4j/curriculum.h"
#include "base/text.h"
#include "release/graph_places.h"

namespace tidegate::neo4j {
namespace {

using release::GraphValue;
using release::in_quotes;
using Kind = release::GraphProblem::Kind;

enum class CellType : std::uint8_t { kText, kInteger, kDecimal, kBoolean };

struct Column {
  std::string name;  // of the property, or one of the table's own: "uid", "from" …
  CellType type = CellType::kText;
  bool list = false;
};

std::optional<CellType> cell_type(std::string_view word) {
  if (word == "string" || word.empty()) return CellType::kText;
  if (word == "int" || word == "long" || word == "integer") return CellType::kInteger;
  if (word == "float" || word == "double") return CellType::kDecimal;
  if (word == "boolean") return CellType::kBoolean;
  return std::nullopt;
}

// ":ID" and "anything:ID(Group)" are the uid, and so on.
std::string_view own_name(std::string_view word) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"ID", "uid"}, {"LABEL", "label"}, {"START_ID", "from"}, {"END_ID", "to"}, {"TYPE", "type"}});
  word = word.substr(0, word.find('('));
  for (const auto& [theirs, ours] : kNames) {
    if (word == theirs) return ours;
  }
  return {};
}

Result<Column> column_of(std::string_view head) {
  head = trim(head);
  const auto colon = head.rfind(':');
  if (colon == std::string_view::npos) return Column{std::string(head)};
  std::string_view word = head.substr(colon + 1);
  if (const auto own = own_name(word); !own.empty()) return Column{std::string(own)};
  Column column{std::string(head.substr(0, colon))};
  if (word.ends_with("[]")) {
    column.list = true;
    word.remove_suffix(2);
  }
  const auto type = cell_type(word);
  if (!type) {
    return fail(Errc::kInvalid,
                fmt::format("column {}: its type is not int, float, boolean or string", in_quotes(head)));
  }
  column.type = *type;
  return column;
}

std::optional<std::int64_t> integer_of(const std::string& text) {
  const auto number = parse_integer(trim(text));
  if (!number) return std::nullopt;
  return *number;
}

std::optional<double> decimal_of(const std::string& text) {
  const std::string trimmed(trim(text));
  if (trimmed.empty() || trimmed.find_first_not_of("0123456789+-.eE") != std::string::npos)
    return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(trimmed.c_str(), &end);
  if (end != trimmed.c_str() + trimmed.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<bool> boolean_of(const std::string& text) {
  const std::string word = to_lower(trim(text));
  if (word == "true") return true;
  if (word == "false") return false;
  return std::nullopt;
}

template <class T>
std::optional<GraphValue> list_of(const std::string& cell, std::optional<T> (*read)(const std::string&)) {
  std::vector<T> list;
  for (const auto& part : split(cell, ';')) {
    auto item = read(part);
    if (!item) return std::nullopt;
    list.push_back(*std::move(item));
  }
  return list;
}

template <class T>
std::optional<GraphValue> one_of(const std::string& cell, std::optional<T> (*read)(const std::string&)) {
  auto item = read(cell);
  if (!item) return std::nullopt;
  return *std::move(item);
}

std::optional<GraphValue> value_of(const Column& column, const std::string& cell) {
  switch (column.type) {
    case CellType::kText:
      if (column.list) return split(cell, ';');
      return cell;
    case CellType::kInteger:
      return column.list ? list_of(cell, integer_of) : one_of(cell, integer_of);
    case CellType::kDecimal:
      return column.list ? list_of(cell, decimal_of) : one_of(cell, decimal_of);
    case CellType::kBoolean:
      // The graph's values have no list of booleans.
      return column.list ? std::nullopt : one_of(cell, boolean_of);
  }
  return std::nullopt;
}

struct Row {
  std::string place;
  std::vector<std::string> own;  // in the order of the table's own names
  std::vector<release::GraphProperty> properties;
};

// One table: the header, then a row at a time.
class Table {
 public:
  Table(std::string file, std::string_view text, std::vector<std::string_view> own, Curriculum& out)
      : file_(std::move(file)), csv_(text), own_(std::move(own)), out_(out) {}

  template <class Take>
  void read(const Take& take) {
    auto status = read_rows(take);
    if (!status) problem(file_, std::move(status).error().message);
  }

 private:
  void problem(std::string place, std::string message, Kind kind = Kind::kShape) {
    out_.problems.push_back({kind, std::move(place), std::move(message)});
  }

  Status header() {
    std::vector<std::string> heads;
    TG_TRY(const bool any, csv_.next(heads));
    if (!any) return fail(Errc::kInvalid, "the table is empty; its first line names the columns");
    std::set<std::string> seen;
    for (const auto& head : heads) {
      TG_TRY(auto column, column_of(head));
      if (!seen.insert(column.name).second)
        return fail(Errc::kInvalid, fmt::format("there are two columns {}", in_quotes(column.name)));
      columns_.push_back(std::move(column));
    }
    for (const auto name : own_) {
      if (seen.contains(std::string(name))) continue;
      return fail(Errc::kInvalid, fmt::format("there is no column {} (the first line is: {})",
                                              in_quotes(name), printable(join(heads, ","), 200)));
    }
    return {};
  }

  template <class Take>
  Status read_rows(const Take& take) {
    TG_CHECK(header());
    std::vector<std::string> cells;
    for (;;) {
      TG_TRY(const bool any, csv_.next(cells));
      if (!any) return {};
      const std::string place = fmt::format("{}:{}", file_, csv_.line());
      if (cells.size() != columns_.size()) {
        problem(place, fmt::format("{} fields; the first line names {}", cells.size(), columns_.size()));
      } else if (auto row = row_of(cells, place)) {
        take(*std::move(row));
      }
    }
  }

  std::optional<Row> row_of(std::vector<std::string>& cells, const std::string& place) {
    Row row{place, std::vector<std::string>(own_.size()), {}};
    bool complete = true;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto own = std::ranges::find(own_, columns_[i].name);
      if (own != own_.end()) {
        complete = complete && !cells[i].empty();
        if (cells[i].empty()) problem(release::member_place(place, columns_[i].name), "is missing");
        row.own[static_cast<std::size_t>(own - own_.begin())] = std::move(cells[i]);
      } else if (!cells[i].empty()) {
        if (auto value = value_of(columns_[i], cells[i]))
          row.properties.push_back({columns_[i].name, *std::move(value)});
        else
          problem(release::member_place(place, columns_[i].name),
                  fmt::format("{} is not of the column's type", in_quotes(cells[i])), Kind::kValue);
      }
    }
    if (!complete) return std::nullopt;
    return row;
  }

  std::string file_;
  CsvReader csv_;
  std::vector<std::string_view> own_;
  Curriculum& out_;
  std::vector<Column> columns_;
};

}  // namespace

Result<Curriculum> parse_curriculum_csv(std::string_view nodes, std::string_view edges,
                                        const CurriculumLimits& limits) {
  if (nodes.size() > limits.max_bytes || edges.size() > limits.max_bytes - nodes.size()) {
    return fail(Errc::kInvalid, fmt::format("the tables are larger than {} bytes", limits.max_bytes));
  }
  Curriculum out;
  Table("nodes.csv", nodes, {"uid", "label"}, out).read([&](Row row) {
    out.graph.nodes.push_back(
        {std::move(row.place), std::move(row.own[0]), std::move(row.own[1]), std::move(row.properties)});
  });
  Table("edges.csv", edges, {"from", "to", "type"}, out).read([&](Row row) {
    out.graph.edges.push_back({std::move(row.place), std::move(row.own[2]), std::move(row.own[0]),
                               std::move(row.own[1]), std::move(row.properties)});
  });
  out.problems = release::bounded(std::move(out.problems), limits.max_problems);
  return out;
}

}  // namespace tidegate::neo4j
