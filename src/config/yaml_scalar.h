// How Psych 4 reads a plain scalar (lib/psych/scalar_scanner.rb): YAML 1.1 with Ruby's own habits.
#pragma once

#include <string>
#include <string_view>

#include "config/yaml.h"

namespace tidegate::config::yaml {

struct Scalar {
  Kind kind = Kind::kString;
  std::string text;     ///< as Ruby prints the value
  std::string refused;  ///< not empty: the class that a safe load refuses ("Date", "Time")
};

/// The value of a plain, untagged scalar.
Scalar read_plain(std::string_view text);

/// `!!float 1`: the number as a Float, or the scalar as it is.
Scalar to_float(Scalar scalar);

}  // namespace tidegate::config::yaml
