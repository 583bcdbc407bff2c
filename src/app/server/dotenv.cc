#include "app/server/dotenv.h"

#include <algorithm>
#include <array>
#include <zlib.h>

#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr std::size_t kMaxBytes = 5U << 10U;
constexpr std::size_t kMaxVariables = 20;

bool is_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

pipeline::JobVariables parse_dotenv(std::string_view text) {
  pipeline::JobVariables out;
  if (text.size() > kMaxBytes) return out;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    const std::size_t equals = trimmed.find('=');
    if (equals == std::string_view::npos || !is_key(trimmed.substr(0, equals))) continue;
    if (out.size() == kMaxVariables) break;
    out.push_back({std::string(trimmed.substr(0, equals)), std::string(trimmed.substr(equals + 1)), false,
                   false, false, true});
  }
  return out;
}

pipeline::JobVariables read_dotenv(const std::filesystem::path& gzip_file) {
  gzFile file = gzopen(gzip_file.c_str(), "rb");
  if (file == nullptr) return {};
  std::array<char, kMaxBytes + 1> buffer{};
  const int read = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
  gzclose(file);
  if (read <= 0) return {};
  return parse_dotenv({buffer.data(), static_cast<std::size_t>(read)});
}

}  // namespace tidegate::app
