#include "config/document.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

namespace tidegate::config {

yaml::NodePtr read_document(std::string_view text, const std::string& file, Findings& out) {
  yaml::Limits limits;
  limits.documents = 4;  // a header and a content, with empty ones around; more is an error below
  yaml::Parsed parsed = yaml::parse(text, file, limits);
  const bool broken = has_errors(parsed.diagnostics);
  for (Diagnostic& found : parsed.diagnostics) out.add(std::move(found));
  if (broken) return nullptr;
  Origins& origins = out.origins();
  std::ranges::move(parsed.anchors, std::back_inserter(origins.anchors));
  std::ranges::move(parsed.altered, std::back_inserter(origins.altered));
  std::erase_if(parsed.documents, [](const yaml::NodePtr& document) { return document->is_null(); });
  yaml::Mark whole{.file = std::make_shared<const std::string>(file), .line = 0, .column = 0};
  if (parsed.documents.empty()) {
    out.error("config-empty", whole, "Please provide content of " + file);
    return nullptr;
  }
  yaml::NodePtr content = parsed.documents.front();
  const yaml::Entry* spec = content->is_map() ? content->find_entry("spec") : nullptr;
  if (spec != nullptr) {
    out.error("unsupported-keyword", spec->mark, "`spec` headers with inputs are not supported",
              "Write the values where $[[ inputs.… ]] stands, and remove the header.");
    out.set_incomplete();
    if (parsed.documents.size() < 2) return nullptr;
    content = parsed.documents[1];
  }
  if (parsed.documents.size() > 2) {
    out.error("too-many-documents", parsed.documents[2]->mark, "At most two YAML documents are allowed",
              "Put everything in one document.");
    return nullptr;
  }
  if (!content->is_map()) {
    out.error("invalid-format", content->mark,
              fmt::format("Invalid configuration format: the file should be a hash, not {}",
                          yaml::to_string(content->kind)));
    return nullptr;
  }
  return content;
}

}  // namespace tidegate::config
