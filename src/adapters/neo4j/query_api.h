// Neo4j's Query API v2 over HTTP: statements with parameters, explicit transactions, bounded retries.
// Source: Neo4j Query API documentation, "Query API v2" and "Run transactions".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "sys/http_client.h"
#include "sys/process.h"

namespace tidegate::neo4j {

/// JSON object under construction: the parameters of a statement. Values go here, never into the statement.
class Parameters {
 public:
  Parameters& text(std::string_view name, std::string_view value);
  Parameters& integer(std::string_view name, std::int64_t value);
  /// `json` is complete JSON already.
  Parameters& raw(std::string_view name, std::string_view json);
  std::string json() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

/// A text as JSON, with quotes.
std::string json_text(std::string_view text);

/// One value of a result as canonical JSON: members sorted, 1.0 written as 1, so that equal values are equal
/// texts.
struct Cell {
  std::string json;

  std::optional<std::string> text() const;      ///< of a text
  std::optional<std::int64_t> integer() const;  ///< of an integer
  bool null() const { return json == "null"; }
  friend bool operator==(const Cell&, const Cell&) = default;
  friend auto operator<=>(const Cell&, const Cell&) = default;
};

struct Counters {
  std::int64_t nodes_created = 0;
  std::int64_t nodes_deleted = 0;
  std::int64_t relationships_created = 0;
  std::int64_t relationships_deleted = 0;
  std::int64_t properties_set = 0;
};

struct QueryResult {
  std::vector<std::string> fields;
  std::vector<std::vector<Cell>> rows;
  Counters counters;
};

enum class Access : std::uint8_t { kRead, kWrite };

struct Endpoint {
  std::string url;  ///< http://host:7474
  std::string user;
  Secret password;
  std::string database = "neo4j";
};

struct QueryOptions {
  int attempts = 5;                  ///< of a statement that ends with Neo.TransientError.*
  Millis first_wait{100};            ///< before the second attempt; doubled each time
  std::function<void(Millis)> wait;  ///< how to wait; empty: not at all
  Millis timeout{300'000};           ///< of one statement
};

/// Blocking; one object per thread. Errors: kDenied (login), kUnavailable (no answer; transient error that
/// stays), kNotFound (no such database), kConflict (a constraint), kInvalid (the statement), kFailed (all
/// else). The message has Neo4j's code.
class QueryApi {
 public:
  QueryApi(Endpoint endpoint, QueryOptions options, const sys::StopFlag* stop = nullptr);

  /// One statement in its own transaction. Only transient errors are tried again (the server has rolled
  /// back); a lost connection is not, since the outcome is unknown.
  Result<QueryResult> run(std::string_view statement, const Parameters& parameters = {},
                          Access access = Access::kWrite);

  /// Runs `body` in one explicit transaction and commits when it returns success; anything else rolls back.
  /// The whole is tried again after transient errors.
  class Transaction {
   public:
    Result<QueryResult> run(std::string_view statement, const Parameters& parameters = {});

   private:
    friend class QueryApi;
    Transaction(QueryApi& api, std::string id) : api_(api), id_(std::move(id)) {}
    QueryApi& api_;
    std::string id_;
    bool transient_ = false;
  };
  Status in_transaction(const std::function<Status(Transaction&)>& body);

  /// A server that answers, with the login accepted.
  Status check();

 private:
  Result<std::string> post(const std::string& method, const std::string& path, const std::string& body,
                           bool& transient);
  Result<QueryResult> query(const std::string& path, std::string_view statement, const Parameters& parameters,
                            Access access, bool& transient);
  Status attempt_transaction(const std::function<Status(Transaction&)>& body, bool& transient);
  void wait_before(int attempt) const;

  Endpoint endpoint_;
  QueryOptions options_;
  const sys::StopFlag* stop_;
  sys::HttpClient http_;
};

/// Canonical JSON of a JSON text; kInvalid when it is none.
Result<std::string> canonical_json(std::string_view json);

}  // namespace tidegate::neo4j
