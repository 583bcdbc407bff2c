// The database schema and its numbered migrations.
#pragma once

#include "adapters/sqlite/database.h"

namespace tidegate::sqlite {

/// Brings the database to the newest schema, one numbered step after the other, each in a transaction. A
/// database that is newer than this program is refused.
Status migrate(Database& database);

}  // namespace tidegate::sqlite
