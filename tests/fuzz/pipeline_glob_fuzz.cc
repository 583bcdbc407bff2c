// Globs: the first line is the glob, the rest is the path. A path always matches itself when it holds no sign
// that globs know.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pipeline/glob.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tidegate::pipeline::Glob;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string_view first = text.substr(0, end);
  const std::string_view path = end == std::string_view::npos ? first : text.substr(end + 1);
  const auto glob = Glob::compile(first);
  if (!glob) return 0;
  glob->matches(path);
  const bool plain = first.find_first_of("*?[{\\") == std::string_view::npos;
  if (plain && glob->matches(path) != (first == path)) std::abort();
  return 0;
}
