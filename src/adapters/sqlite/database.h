// Database: a small, checked way to speak SQLite. Not thread-safe: one thread owns it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tidegate::sqlite {

/// A row while it is being read; columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool boolean(int column) const { return integer(column) != 0; }
  bool is_null(int column) const;
  Instant instant(int column) const { return Instant{Millis{integer(column)}}; }
  std::optional<Instant> optional_instant(int column) const;
  template <class Tag>
  void id(int column, Id<Tag>& out) const {
    out = Id<Tag>{integer(column)};
  }

 private:
  sqlite3_stmt* statement_;
};

/// One value to bind.
class Value {
 public:
  Value(std::int64_t number) : kind_(Kind::kInteger), number_(number) {}     // NOLINT: implicit
  Value(int number) : Value(static_cast<std::int64_t>(number)) {}            // NOLINT
  Value(std::uint64_t number) : Value(static_cast<std::int64_t>(number)) {}  // NOLINT
  Value(bool truth) : Value(static_cast<std::int64_t>(truth ? 1 : 0)) {}     // NOLINT
  Value(std::string_view text) : kind_(Kind::kText), text_(text) {}          // NOLINT
  Value(const std::string& text) : Value(std::string_view(text)) {}          // NOLINT
  Value(const char* text) : Value(std::string_view(text)) {}                 // NOLINT
  Value(Instant when) : Value(static_cast<std::int64_t>(when.time_since_epoch().count())) {}  // NOLINT
  Value(std::optional<double> number)                                                         // NOLINT
      : kind_(number ? Kind::kReal : Kind::kNull), real_(number.value_or(0)) {}
  Value(std::optional<Instant> when) : Value(when ? Value(*when) : Value(Kind::kNull)) {}  // NOLINT
  template <class Tag>
  Value(Id<Tag> id) : Value(id.value()) {}  // NOLINT

 private:
  friend class Database;
  enum class Kind : unsigned char { kNull, kInteger, kReal, kText };
  explicit Value(Kind kind) : kind_(kind) {}
  Kind kind_;
  std::int64_t number_ = 0;
  double real_ = 0;
  std::string text_;
};

class Database {
 public:
  /// Opens (or makes) the file: WAL, synchronous=FULL, foreign keys. kUnavailable when the disk refuses,
  /// kEnvironment when another process holds it.
  static Result<Database> open(const std::filesystem::path& file);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Status run(std::string_view sql, const std::vector<Value>& values = {});
  Status query(std::string_view sql, const std::vector<Value>& values,
               const std::function<void(const Row&)>& on_row);
  /// Several statements without values (schema).
  Status script(std::string_view sql);
  std::int64_t last_insert_id() const;
  /// Rows changed by the last statement.
  std::int64_t changes() const;

  /// All of `work` or nothing. Nested calls join the outer one.
  Status transaction(const std::function<Status()>& work);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  Result<sqlite3_stmt*> prepare(std::string_view sql, const std::vector<Value>& values);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::sqlite
