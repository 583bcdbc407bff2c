#include "config/load.h"

#include <utility>

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

struct Unloaded::Parts {
  std::string file;
  Findings findings;
  std::optional<Document> document;
};

Unloaded::Unloaded(std::string_view text, std::string file)
    : parts_(std::make_unique<Parts>(Parts{.file = std::move(file), .findings = {}, .document = {}})) {
  parts_->document = read_document(text, parts_->file, parts_->findings);
}
Unloaded::Unloaded(Unloaded&&) noexcept = default;
Unloaded& Unloaded::operator=(Unloaded&&) noexcept = default;
Unloaded::~Unloaded() = default;

bool Unloaded::stands_alone() const {
  const auto& document = parts_->document;
  return !document || (!document->header && document->content->find_entry("include") == nullptr);
}

Loaded load(std::string_view text, const std::string& file, const Sources& sources) {
  return load(Unloaded(text, file), sources);
}

Loaded load(Unloaded read, const Sources& sources) {
  Loaded loaded;
  const std::string& file = read.parts_->file;
  Findings& out = read.parts_->findings;
  Budget budget;
  yaml::NodePtr root;
  if (const auto document = std::move(read.parts_->document))
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
