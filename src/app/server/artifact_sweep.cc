#include "app/server/artifact_sweep.h"

#include <filesystem>
#include <system_error>

#include "base/log.h"

namespace tidegate::app {

Result<std::size_t> sweep_artifacts(Store& store, Instant now, std::int64_t limit) {
  TG_TRY(const auto expired, store.expired_artifacts(now, limit));
  std::size_t removed = 0;
  for (const Artifact& artifact : expired) {
    const std::filesystem::path file = artifact.file;
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) {
      log::warn("artifacts", "{}: {}", artifact.file, error.message());
      continue;
    }
    TG_CHECK(store.remove_artifact(artifact.id));
    std::filesystem::remove(file.parent_path(), error);  // when it was the last one of its job
    ++removed;
  }
  return removed;
}

}  // namespace tidegate::app
