// SqliteStore: app::Store on one SQLite file.
#pragma once

#include <filesystem>
#include <memory>

#include "app/ports/store.h"

namespace tidegate::sqlite {

/// Opens `<directory>/tidegate.db`, sealed by `<directory>/secret.key`; makes both when they are missing.
/// kEnvironment when another server holds the database.
Result<std::unique_ptr<app::Store>> open_store(const std::filesystem::path& directory);

}  // namespace tidegate::sqlite
