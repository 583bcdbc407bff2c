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

/// `!!float 1`: the number as a Float; refused when it is none.
Scalar to_float(Scalar scalar);

/// `!!binary`: base64 as String#unpack("m") reads it, which skips what is no digit of it.
std::string read_binary(std::string_view text);

}  // namespace tidegate::config::yaml
