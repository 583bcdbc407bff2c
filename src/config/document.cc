#include "config/document.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/core.h>

#include "config/spec.h"

namespace tidegate::config {
namespace {

/// The documents that hold something; nothing after a fault of the text.
std::optional<std::vector<yaml::NodePtr>> read_stream(std::string_view text, const std::string& file,
                                                      Findings& out) {
  yaml::Limits limits;
  limits.documents = 4;  // a header and a content, with empty ones around; more is an error below
  yaml::Parsed parsed = yaml::parse(text, file, limits);
  const bool broken = has_errors(parsed.diagnostics);
  for (Diagnostic& found : parsed.diagnostics) out.add(std::move(found));
  if (broken) return std::nullopt;
  Origins& origins = out.origins();
  std::ranges::move(parsed.anchors, std::back_inserter(origins.anchors));
  std::ranges::move(parsed.altered, std::back_inserter(origins.altered));
  std::erase_if(parsed.documents, [](const yaml::NodePtr& document) { return document->is_null(); });
  return std::move(parsed.documents);
}

void report_empty(const std::string& file, Findings& out, std::string hint = {}) {
  const yaml::Mark whole{.file = std::make_shared<const std::string>(file), .line = 0, .column = 0};
  out.error("config-empty", whole, "Please provide content of " + file, std::move(hint));
}

}  // namespace

std::optional<Document> read_document(std::string_view text, const std::string& file, Findings& out) {
  const auto documents = read_stream(text, file, out);
  if (!documents) return std::nullopt;
  if (documents->empty()) {
    report_empty(file, out);
    return std::nullopt;
  }
  Document document{.header = nullptr, .content = documents->front()};
  if (document.content->is_map() && document.content->find_entry("spec") != nullptr) {
    document.header = document.content;
    if (documents->size() < 2) {
      read_spec(*document.header, out);
      report_empty(file, out, "The jobs stand in a second document, after `---`.");
      out.set_incomplete();
      return std::nullopt;
    }
    document.content = (*documents)[1];
  }
  if (documents->size() > 2) {
    out.error("too-many-documents", (*documents)[2]->mark, "At most two YAML documents are allowed",
              "Put everything in one document.");
    return std::nullopt;
  }
  if (!document.content->is_map()) {
    out.error("invalid-format", document.content->mark,
              fmt::format("Invalid configuration format: the file should be a hash, not {}",
                          yaml::to_string(document.content->kind)));
    return std::nullopt;
  }
  return document;
}

}  // namespace tidegate::config
