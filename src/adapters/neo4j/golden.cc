#include "adapters/neo4j/golden.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::size_t kMaxQueries = 200;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Status take_parameters(const json::object& object, GoldenQuery& query) {
  const auto* value = object.if_contains("parameters");
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_object()) return fail(Errc::kInvalid, "\"parameters\" is not an object");
  for (const auto& member : value->get_object()) {
    const std::string_view name{member.key().data(), member.key().size()};
    if (name == "version") return fail(Errc::kInvalid, "the parameter \"version\" is set by the loader");
    query.parameters.raw(name, json::serialize(member.value()));
  }
  return {};
}

Status take_rows(const json::object& object, GoldenQuery& query) {
  const auto* whole = object.if_contains("expect");
  const auto* part = object.if_contains("expect_contains");
  if ((whole != nullptr) == (part != nullptr)) {
    return fail(Errc::kInvalid, "needs exactly one of \"expect\" and \"expect_contains\"");
  }
  query.contains = part != nullptr;
  const auto& rows = query.contains ? *part : *whole;
  if (!rows.is_array()) return fail(Errc::kInvalid, "the expected rows are not a list");
  if (query.contains && rows.get_array().empty()) {
    return fail(Errc::kInvalid, "\"expect_contains\" is empty, so nothing could fail");
  }
  for (const auto& row : rows.get_array()) {
    if (!row.is_array())
      return fail(Errc::kInvalid, "an expected row is not a list: " + json::serialize(row));
    TG_TRY(auto text, canonical_json(json::serialize(row)));
    query.rows.push_back(std::move(text));
  }
  return {};
}

Result<GoldenQuery> read_query(const json::value& value) {
  if (!value.is_object()) return fail(Errc::kInvalid, "not an object");
  const auto& object = value.get_object();
  GoldenQuery query;
  query.name = text_of(object, "name");
  query.statement = text_of(object, "statement");
  if (query.statement.empty()) return fail(Errc::kInvalid, "\"statement\" is missing or not a text");
  TG_CHECK(take_parameters(object, query));
  TG_CHECK(take_rows(object, query));
  return query;
}

std::string row_text(const std::vector<Cell>& cells) {
  std::string text = "[";
  for (const auto& cell : cells) text += (text.size() > 1 ? "," : "") + cell.json;
  return text + "]";
}

std::string some_rows(const std::vector<std::string>& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size() && i < 3; ++i)
    text += (i > 0 ? ", " : "") + printable(rows[i], 120);
  if (rows.size() > 3) text += fmt::format(", … ({} rows)", rows.size());
  return rows.empty() ? "no rows" : text;
}

// What is wrong with the answer; empty: nothing.
std::string difference(const GoldenQuery& query, const std::vector<std::string>& rows) {
  if (!query.contains) {
    if (rows == query.rows) return {};
    return fmt::format("expected {}; got {}", some_rows(query.rows), some_rows(rows));
  }
  for (const auto& row : query.rows) {
    if (std::ranges::find(rows, row) == rows.end()) {
      return fmt::format("expected the row {}; got {}", printable(row, 120), some_rows(rows));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<GoldenQuery>> parse_golden(std::string_view text) {
  std::vector<GoldenQuery> queries;
  if (trim(text).empty()) return queries;
  if (text.size() > kMaxText) return fail(Errc::kInvalid, "golden queries: larger than 1 MiB");
  boost::system::error_code error;
  const auto root = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(Errc::kInvalid, "golden queries: not JSON: " + error.message());
  if (!root.is_array()) return fail(Errc::kInvalid, "golden queries: not a list");
  if (root.get_array().size() > kMaxQueries) {
    return fail(Errc::kInvalid, fmt::format("golden queries: more than {}", kMaxQueries));
  }
  for (const auto& item : root.get_array()) {
    auto query = read_query(item);
    const std::string what = fmt::format("golden query {}", queries.size());
    if (!query) return with_context(what, std::move(query).error());
    if (query->name.empty()) query->name = fmt::format("#{}", queries.size());
    queries.push_back(*std::move(query));
  }
  return queries;
}

Result<std::vector<std::string>> ask_golden(QueryApi& api, const std::vector<GoldenQuery>& queries,
                                            std::string_view version) {
  std::vector<std::string> problems;
  for (const auto& query : queries) {
    auto parameters = query.parameters;
    parameters.text("version", version);
    const auto result = api.run(query.statement, parameters, Access::kRead);
    std::string wrong;
    if (!result) {
      const Errc code = result.error().code;
      if (code == Errc::kUnavailable || code == Errc::kDenied || code == Errc::kCanceled)
        return result.error();
      wrong = result.error().message;
    } else {
      std::vector<std::string> rows;
      for (const auto& cells : result->rows) rows.push_back(row_text(cells));
      wrong = difference(query, rows);
    }
    if (!wrong.empty()) problems.push_back(fmt::format("golden query {}: {}", json_text(query.name), wrong));
  }
  return problems;
}

}  // namespace tidegate::neo4j
