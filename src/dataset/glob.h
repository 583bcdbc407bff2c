// Globs on object keys: `include: ["*.jsonl", "2026/**/part-?.json"]`. Pure.
#pragma once

#include <string_view>

namespace tidegate::dataset {

/// '*' is any run without '/', '**' any run, "**/" also nothing at all, '?' one character (a whole UTF-8
/// character) that is not '/'. Everything else, '[' and '\' too, stands for itself. Time grows with the
/// product of both lengths at most, whatever the pattern.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace tidegate::dataset
