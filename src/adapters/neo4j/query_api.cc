#include "adapters/neo4j/query_api.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/json_text.h"
#include "base/text.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;

void put_canonical(std::string& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::vector<const json::key_value_pair*> members;
    for (const auto& member : *object) members.push_back(&member);
    std::ranges::sort(members, {}, [](const json::key_value_pair* m) { return m->key(); });
    out += '{';
    for (const auto* member : members) {
      if (member != members.front()) out += ',';
      out += json_text({member->key().data(), member->key().size()}) + ":";
      put_canonical(out, member->value());
    }
    out += '}';
  } else if (const auto* list = value.if_array()) {
    out += '[';
    for (const auto& item : *list) {
      if (&item != list->data()) out += ',';
      put_canonical(out, item);
    }
    out += ']';
  } else if (const auto* number = value.if_double();
             number != nullptr && std::trunc(*number) == *number && std::abs(*number) < 9007199254740992.0) {
    out += std::to_string(static_cast<std::int64_t>(*number));
  } else {
    out += json::serialize(value);
  }
}

std::string canonical(const json::value& value) {
  std::string out;
  put_canonical(out, value);
  return out;
}

Result<json::value> parse(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(Errc::kInvalid, "not JSON: " + error.message());
  return value;
}

// Something else answers at this address (a proxy, a portal).
Result<json::value> parse_answer(std::string_view text) {
  auto value = parse(text);
  if (!value) return fail(Errc::kFailed, "the answer is not Neo4j's: " + value.error().message);
  return value;
}

const json::value* member(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(json::string_view(name.data(), name.size()));
}

std::string text_member(const json::value& value, std::string_view name) {
  const auto* found = member(value, name);
  return found != nullptr && found->is_string() ? std::string(view(found->get_string())) : std::string();
}

Errc code_of(std::string_view neo4j_code) {
  if (neo4j_code.starts_with("Neo.ClientError.Security.")) return Errc::kDenied;
  if (neo4j_code.starts_with("Neo.TransientError.")) return Errc::kUnavailable;
  if (neo4j_code.starts_with("Neo.ClientError.Schema.ConstraintValidation")) return Errc::kConflict;
  if (neo4j_code == "Neo.ClientError.Database.DatabaseNotFound") return Errc::kNotFound;
  if (neo4j_code.starts_with("Neo.ClientError.Statement.")) return Errc::kInvalid;
  return Errc::kFailed;
}

// The first error of an answer; nothing when there is none.
std::optional<Error> error_of(const json::value& answer, bool& transient) {
  const auto* errors = member(answer, "errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty()) return std::nullopt;
  const auto& first = errors->get_array().front();
  const std::string code = text_member(first, "code");
  transient = code.starts_with("Neo.TransientError.");
  return fail(code_of(code), fmt::format("{}: {}", code.empty() ? "Neo4j" : code,
                                         printable(text_member(first, "message"), 500)));
}

Counters counters_of(const json::value& answer) {
  const auto* counters = member(answer, "counters");
  if (counters == nullptr) return {};
  const auto count = [&](std::string_view name) -> std::int64_t {
    const auto* found = member(*counters, name);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  };
  return {count("nodesCreated"), count("nodesDeleted"), count("relationshipsCreated"),
          count("relationshipsDeleted"), count("propertiesSet")};
}

QueryResult result_of(const json::value& answer) {
  QueryResult result;
  result.counters = counters_of(answer);
  const auto* data = member(answer, "data");
  if (data == nullptr) return result;
  if (const auto* fields = member(*data, "fields"); fields != nullptr && fields->is_array()) {
    for (const auto& field : fields->get_array()) {
      if (field.is_string()) result.fields.emplace_back(view(field.get_string()));
    }
  }
  if (const auto* values = member(*data, "values"); values != nullptr && values->is_array()) {
    for (const auto& row : values->get_array()) {
      auto& cells = result.rows.emplace_back();
      if (!row.is_array()) continue;
      for (const auto& value : row.get_array()) cells.push_back({canonical(value)});
    }
  }
  return result;
}

}  // namespace

std::string json_text(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

Parameters& Parameters::raw(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  members_ += json_text(name);
  members_ += ':';
  members_ += json;
  return *this;
}

Parameters& Parameters::text(std::string_view name, std::string_view value) {
  return raw(name, json_text(value));
}

Parameters& Parameters::integer(std::string_view name, std::int64_t value) {
  return raw(name, std::to_string(value));
}

std::optional<std::string> Cell::text() const {
  const auto value = parse(json);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(view(value->get_string()));
}

std::optional<std::int64_t> Cell::integer() const {
  if (const auto number = parse_integer(json)) return *number;
  return std::nullopt;
}

Result<std::string> canonical_json(std::string_view text) {
  TG_TRY(const auto value, parse(text));
  return canonical(value);
}

QueryApi::QueryApi(Endpoint endpoint, QueryOptions options, const sys::StopFlag* stop)
    : endpoint_(std::move(endpoint)), options_(std::move(options)), stop_(stop) {
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
}

Result<std::string> QueryApi::post(const std::string& method, const std::string& path,
                                   const std::string& body, bool& transient) {
  transient = false;
  sys::HttpRequest request;
  request.method = method;
  request.url = endpoint_.url + "/db/" + percent_encode(endpoint_.database) + "/query/v2" + path;
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = body;
  request.user = endpoint_.user;
  request.password = endpoint_.password.reveal();
  request.timeout = options_.timeout;
  auto response = http_.send(request, stop_);
  if (!response) return with_context("Neo4j at " + endpoint_.url, std::move(response).error());
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  if (const auto answer = parse(response->body)) {
    if (auto error = error_of(*answer, transient)) return *std::move(error);
  }
  const long status = response->status;
  const Errc code = status == 401 || status == 403   ? Errc::kDenied
                    : status == 404                  ? Errc::kNotFound
                    : status == 429 || status >= 500 ? Errc::kUnavailable
                                                     : Errc::kFailed;
  return fail(code, fmt::format("Neo4j at {}: HTTP {}", endpoint_.url, status));
}

Result<QueryResult> QueryApi::query(const std::string& path, std::string_view statement,
                                    const Parameters& parameters, Access access, bool& transient) {
  Parameters body;
  body.text("statement", statement).raw("parameters", parameters.json()).raw("includeCounters", "true");
  if (path.empty()) body.text("accessMode", access == Access::kRead ? "READ" : "WRITE");
  TG_TRY(const auto reply, post("POST", path, body.json(), transient));
  TG_TRY(const auto answer, parse_answer(reply));
  // Accepted is not done: the outcome is in the body, whatever the status.
  if (auto error = error_of(answer, transient)) return *std::move(error);
  return result_of(answer);
}

void QueryApi::wait_before(int attempt) const {
  if (options_.wait) options_.wait(options_.first_wait * (1 << std::min(attempt - 1, 10)));
}

Result<QueryResult> QueryApi::run(std::string_view statement, const Parameters& parameters, Access access) {
  for (int attempt = 1;; ++attempt) {
    bool transient = false;
    auto result = query("", statement, parameters, access, transient);
    if (result || !transient || attempt >= options_.attempts) return result;
    if (stop_ != nullptr && stop_->stop_requested()) return fail(Errc::kCanceled, "stopped");
    wait_before(attempt);
  }
}

Result<QueryResult> QueryApi::Transaction::run(std::string_view statement, const Parameters& parameters) {
  return api_.query("/tx/" + id_, statement, parameters, Access::kWrite, transient_);
}

Status QueryApi::attempt_transaction(const std::function<Status(Transaction&)>& body, bool& transient) {
  TG_TRY(const auto begun, post("POST", "/tx", "{}", transient));
  TG_TRY(const auto answer, parse_answer(begun));
  if (auto error = error_of(answer, transient)) return *std::move(error);
  const auto* transaction = member(answer, "transaction");
  const std::string id = transaction != nullptr ? text_member(*transaction, "id") : "";
  if (id.empty()) return fail(Errc::kFailed, "Neo4j began a transaction without an id");
  Transaction handle(*this, percent_encode(id));
  auto outcome = body(handle);
  transient = handle.transient_;
  if (!outcome) {
    // The first error has ended the transaction on the server already; then this one is not found, which is
    // fine.
    bool ignored = false;
    (void)post("DELETE", "/tx/" + handle.id_, "", ignored);
    return outcome;
  }
  TG_TRY(const auto committed, post("POST", "/tx/" + handle.id_ + "/commit", "{}", transient));
  TG_TRY(const auto end, parse_answer(committed));
  if (auto error = error_of(end, transient)) return *std::move(error);
  return {};
}

Status QueryApi::in_transaction(const std::function<Status(Transaction&)>& body) {
  for (int attempt = 1;; ++attempt) {
    bool transient = false;
    auto outcome = attempt_transaction(body, transient);
    if (outcome || !transient || attempt >= options_.attempts) return outcome;
    if (stop_ != nullptr && stop_->stop_requested()) return fail(Errc::kCanceled, "stopped");
    wait_before(attempt);
  }
}

Status QueryApi::check() {
  auto result = run("RETURN 1", {}, Access::kRead);
  if (!result) return std::move(result).error();
  return {};
}

}  // namespace tidegate::neo4j
