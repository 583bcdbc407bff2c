#include "adapters/sqlite/database.h"

#include <map>

#include <fmt/core.h>
#include <sqlite3.h>

namespace tidegate::sqlite {

struct Database::Impl {
  sqlite3* handle = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared;  // statements are compiled once
  int depth = 0;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (const auto& [sql, statement] : prepared) sqlite3_finalize(statement);
    sqlite3_close(handle);
  }

  Error error(std::string_view what) const {
    const int code = sqlite3_errcode(handle);
    const Errc errc = code == SQLITE_BUSY || code == SQLITE_LOCKED         ? Errc::kEnvironment
                      : code == SQLITE_FULL || code == SQLITE_IOERR        ? Errc::kUnavailable
                      : code == SQLITE_READONLY || code == SQLITE_CANTOPEN ? Errc::kEnvironment
                      : code == SQLITE_CONSTRAINT                          ? Errc::kConflict
                                                                           : Errc::kInternal;
    return fail(errc, fmt::format("database: {}: {}", what, sqlite3_errmsg(handle)));
  }
};

std::int64_t Row::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Row::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Row::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, size);
}

bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<Instant> Row::optional_instant(int column) const {
  if (is_null(column)) return std::nullopt;
  return instant(column);
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file) {
  auto impl = std::make_unique<Impl>();
  if (sqlite3_open(file.c_str(), &impl->handle) != SQLITE_OK) {
    return with_context(file.string(), impl->error("open"));
  }
  Database database(std::move(impl));
  sqlite3_busy_timeout(database.impl_->handle, 2000);
  // One server owns its file: the exclusive lock turns a second server's start into a clear error.
  TG_CHECK(
      database.script("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "PRAGMA foreign_keys=ON; BEGIN IMMEDIATE; COMMIT;"));
  return database;
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql, const std::vector<Value>& values) {
  auto found = impl_->prepared.find(sql);
  if (found == impl_->prepared.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(impl_->handle, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
        SQLITE_OK) {
      return impl_->error(sql);
    }
    found = impl_->prepared.emplace(std::string(sql), statement).first;
  }
  sqlite3_stmt* statement = found->second;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  int index = 0;
  for (const Value& value : values) {
    ++index;
    int code = SQLITE_OK;
    switch (value.kind_) {
      case Value::Kind::kNull:
        code = sqlite3_bind_null(statement, index);
        break;
      case Value::Kind::kInteger:
        code = sqlite3_bind_int64(statement, index, value.number_);
        break;
      case Value::Kind::kReal:
        code = sqlite3_bind_double(statement, index, value.real_);
        break;
      case Value::Kind::kText:
        code = sqlite3_bind_text64(statement, index, value.text_.data(), value.text_.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
        break;
    }
    if (code != SQLITE_OK) return impl_->error(sql);
  }
  return statement;
}

Status Database::query(std::string_view sql, const std::vector<Value>& values,
                       const std::function<void(const Row&)>& on_row) {
  TG_TRY(sqlite3_stmt * statement, prepare(sql, values));
  const Row row(statement);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) on_row(row);
  if (code != SQLITE_DONE) {
    const Error error = impl_->error(sql);
    sqlite3_reset(statement);
    return error;
  }
  sqlite3_reset(statement);
  return {};
}

Status Database::run(std::string_view sql, const std::vector<Value>& values) {
  return query(sql, values, [](const Row&) {});
}

Status Database::script(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(impl_->handle, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return impl_->error("script");
  return {};
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(impl_->handle);
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(impl_->handle);
}

Status Database::transaction(const std::function<Status()>& work) {
  if (impl_->depth > 0) return work();
  TG_CHECK(run("BEGIN IMMEDIATE"));
  impl_->depth = 1;
  Status status = work();
  impl_->depth = 0;
  if (status) status = run("COMMIT");
  if (!status && sqlite3_get_autocommit(impl_->handle) == 0) {
    if (auto undone = run("ROLLBACK"); !undone) return undone;
  }
  return status;
}

}  // namespace tidegate::sqlite
