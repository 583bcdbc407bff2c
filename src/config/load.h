// The entrance of the room: text of `.gitlab-ci.yml` in, Definition or diagnostics out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/definition.h"
#include "config/origins.h"
#include "config/sources.h"
#include "config/yaml.h"

namespace tidegate::config {

struct Loaded {
  std::optional<Definition> definition;  ///< absent when there are errors
  std::optional<Definition> partial;     ///< what could be read in spite of errors
  Diagnostics diagnostics;               ///< errors and warnings, in the order of the file
  yaml::NodePtr tree;  ///< after include, extends, !reference; null when it did not come to that
  Origins origins;

  /// The tree as YAML text, scripts flattened, hidden keys kept (lint --merged). Empty without a tree.
  std::string merged() const;
  /// What there is to look at; null when nothing could be read.
  const Definition* readable() const { return definition ? &*definition : partial ? &*partial : nullptr; }
};

/// A text taken apart and not yet understood: for those who have to wait for something before they can load()
/// it. Values only; may be made on another thread.
class Unloaded {
 public:
  /// `file`: its name for diagnostics.
  Unloaded(std::string_view text, std::string file);
  Unloaded(Unloaded&&) noexcept;
  Unloaded& operator=(Unloaded&&) noexcept;
  ~Unloaded();

  /// It has no header and includes nothing: load() will ask its sources nothing.
  bool stands_alone() const;

 private:
  friend Loaded load(Unloaded read, const Sources& sources);
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Reads `text` (found at `file`), gives its `spec:inputs` their values, follows includes, resolves extends,
/// !reference and default, and checks every keyword. A keyword that is not understood gives a diagnostic with
/// its place, never silence. Bounded in time and memory on hostile input (depth, aliases, size). Throws
/// nothing.
Loaded load(std::string_view text, const std::string& file, const Sources& sources);
Loaded load(Unloaded read, const Sources& sources);

}  // namespace tidegate::config
