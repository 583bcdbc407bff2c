// IncludeFiles: from one entry of `include` to the texts that it names, wherever they are.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/findings.h"
#include "config/include_item.h"
#include "config/inputs.h"
#include "config/sources.h"

namespace tidegate::config {

/// Where a file stands: what its own includes refer to.
struct FilePlace {
  std::string name;  ///< as diagnostics call it; values of masked variables are hidden in it
  std::shared_ptr<const Repository> repository;
  /// From a URL or a template: it has no project of its own and knows no variables.
  bool outside = false;
};

struct IncludedFile {
  std::string key;  ///< tells files apart
  FilePlace place;
  std::string text;
  InputValues component;  ///< name, sha, version, reference, when it came as a component
};

/// Fetches what includes name; keeps each project that was opened. What cannot be had is a finding.
class IncludeFiles {
 public:
  /// Both must outlive it.
  IncludeFiles(const Sources& sources, Findings& out);

  /// The place of the configuration itself.
  FilePlace own(const std::string& file) const {
    return {.name = file, .repository = own_, .outside = false};
  }
  const IncludeScope& scope_of(const FilePlace& place) const;

  /// The files of one entry that stands at `from`: several for wildcards, none when it fails or nothing
  /// matches. include:rules are not asked here.
  std::vector<IncludedFile> open(IncludeItem item, const FilePlace& from);

 private:
  using Files = std::vector<IncludedFile>;

  bool expand(IncludeItem& item, const FilePlace& from);
  bool expand_one(std::string& text, const IncludeItem& item, const FilePlace& from);
  Files open_local(const IncludeItem& item, const FilePlace& from);
  Files open_project(const IncludeItem& item, const FilePlace& from);
  Files open_remote(const IncludeItem& item);
  Files open_template(const IncludeItem& item);
  Files open_component(const IncludeItem& item, const FilePlace& from);
  Files open_artifact(const IncludeItem& item);
  IncludedFile file_of(std::string name, std::shared_ptr<const Repository> repository,
                       std::string text) const;
  std::string masked(std::string text) const {
    return sources_.scope.mask ? sources_.scope.mask(std::move(text)) : text;
  }
  Files outside_file(const IncludeItem& item, std::string name, Result<std::string> text);
  std::shared_ptr<const Repository> repository(const IncludeItem& item, const ProjectRequest& request);
  std::optional<std::string> version_of(const IncludeItem& item, const ProjectRequest& request,
                                        const std::string& version);
  bool check_path(const IncludeItem& item, const std::string& path);
  Files refuse(std::string code, const IncludeItem& item, std::string message, std::string hint = {});
  Files refuse(const IncludeItem& item, const Error& error);
  Files unavailable(const IncludeItem& item, std::string_view what);

  const Sources& sources_;
  Findings& out_;
  std::shared_ptr<const Repository> own_;
  std::map<std::vector<std::string>, Result<std::shared_ptr<const Repository>>> opened_;
};

}  // namespace tidegate::config
