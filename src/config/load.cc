#include "config/load.h"

#include "config/checks.h"
#include "config/document.h"
#include "config/extends.h"
#include "config/findings.h"
#include "config/include.h"
#include "config/merge.h"
#include "config/read_root.h"
#include "config/reference.h"
#include "config/yaml.h"

namespace tidegate::config {

std::string Loaded::merged() const {
  return tree ? yaml::emit(*flatten_scripts(tree)) : std::string();
}

Loaded load(std::string_view text, const std::string& file, const Sources& sources) {
  Loaded loaded;
  Findings out;
  Budget budget;
  yaml::NodePtr root;
  if (const auto document = read_document(text, file, out))
    root = expand_includes(*document, file, sources, out, budget);
  out.origins().file = file;
  out.origins().tree = root;
  if (root && !budget.exhausted()) root = apply_extends(root, out, budget);
  if (root && !budget.exhausted()) root = resolve_references(root, out);
  if (root && !budget.exhausted()) {
    Definition definition = read_definition(*root, out);
    check_definition(definition, out);
    loaded.tree = root;
    (out.has_errors() ? loaded.partial : loaded.definition) = std::move(definition);
  }
  loaded.diagnostics = out.take();
  loaded.origins = std::move(out.origins());
  loaded.origins.incomplete = out.incomplete();
  trace(loaded.diagnostics, loaded.origins);
  return loaded;
}

}  // namespace tidegate::config
