#include "config/sources.h"

namespace tidegate::config {

std::function<Result<std::vector<std::string>>(const std::string& project, const std::string& ref)> tree_of(
    const Sources& sources) {
  if (!sources.project) return {};
  return [open = sources.project](const std::string& project,
                                  const std::string& ref) -> Result<std::vector<std::string>> {
    TG_TRY(const Repository repository, open({.host = {}, .project = project, .ref = ref}));
    return repository.list ? repository.list() : std::vector<std::string>{};
  };
}

}  // namespace tidegate::config
