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

/// Puts `address` there as a literal of the file's language, never as code: quotes and backslashes escaped;
/// anything but printable ASCII refused (see bound_uri), and in a language that we do not read (a marker's
/// line) anything but letters, digits and -._~%/:?=&+,@ too. kInvalid when there is not exactly one such
/// place, with the lines found. `content` comes back as it was when that address stands there already. A lock
/// file may be empty before: it is made.
///
/// Names: in Python an assignment at the top level, in column 0, of one plain string literal on one line; in
/// YAML, JSON and TOML a member of that name at any depth.
Result<Bound> bind(const BindingPlace& place, std::string_view content, std::string_view address);

/// The address that stands there now; same errors.
Result<std::string> read_binding(const BindingPlace& place, std::string_view content);

}  // namespace tidegate::dataset
