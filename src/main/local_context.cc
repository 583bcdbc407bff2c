#include "main/local_context.h"

#include "sys/file.h"

namespace tidegate::main {

namespace fs = std::filesystem;

Result<LocalProject> open_project(const LocalOptions& options) {
  LocalProject project;
  TG_TRY(project.copy, app::open_working_copy(options.directory));
  const fs::path path =
      fs::path(options.file).is_absolute() ? fs::path(options.file) : project.copy.root / options.file;
  auto text = sys::read_file(path, 16U << 20U);
  if (!text && text.error().code == Errc::kNotFound) {
    return fail(
        Errc::kNotFound,
        path.string() + " is not there; -C names the project's folder, --file the configuration in it");
  }
  if (!text) return text.error();
  project.loaded = config::load(*text, options.file, app::sources_of(project.copy));
  return project;
}

Result<pipeline::Context> context_of(const LocalOptions& options, const app::WorkingCopy& copy) {
  pipeline::Context context = app::context_of(copy);
  context.is_tag = options.tag;
  if (!options.ref.empty()) context.ref = options.ref;
  if (!options.default_branch.empty()) context.default_branch = options.default_branch;
  context.source = options.source;
  for (const auto& [key, value] : options.variables) context.pipeline.push_back({key, value});
  context.changed.reset();
  if (!options.changed.empty()) {
    context.changed = options.changed;
  } else if (!options.changed_unknown) {
    TG_TRY(context.changed, app::changed_paths(copy));
  }
  return context;
}

}  // namespace tidegate::main
