// Binding: a data address put into exactly one place of the code, byte-exact elsewhere. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate::dataset {

/// Where: a named assignment (NAME = "…", `NAME: "…"` in YAML/JSON/TOML), a line with the comment `#
/// tidegate:<marker>` (the one string literal of that line), or, with neither, the file is a data lock file
/// that we own (JSON).
struct BindingPlace {
  std::string file;
  std::string name;
  std::string marker;
};

struct Bound {
  std::string content;   ///< the whole file, new
  std::string previous;  ///< the address that stood there, unescaped
  std::size_t line = 0;  ///< counted from 1
};

/// Puts `address` there as a literal of the file's language, never as code: quotes and backslashes escaped,
/// control bytes refused. kInvalid when there is not exactly one such place, with the lines found.
Result<Bound> bind(const BindingPlace& place, std::string_view content, std::string_view address);

/// The address that stands there now; same errors.
Result<std::string> read_binding(const BindingPlace& place, std::string_view content);

}  // namespace tidegate::dataset
