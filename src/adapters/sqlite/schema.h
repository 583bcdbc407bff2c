// The database schema and its numbered migrations.
#pragma once

#include <cstddef>
#include <limits>

#include "adapters/sqlite/database.h"

namespace tidegate::sqlite {

/// Brings the database to the newest schema, one numbered step after the other, each in a transaction; no
/// further than step `steps`. A database that is newer than this program is refused.
Status migrate(Database& database, std::size_t steps = std::numeric_limits<std::size_t>::max());

}  // namespace tidegate::sqlite
