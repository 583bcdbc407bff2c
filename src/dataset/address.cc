// Addresses of sources and of data, in text: parse_source, bound_uri, parse_bound_uri.
#include <algorithm>

#include "base/text.h"
#include "dataset/intake.h"

namespace tidegate::dataset {
namespace {

constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kFile = "file://";
constexpr std::string_view kVersion = "?versionId=";

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_bucket_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, allowed) && name != "." &&
         name != "..";
}

// '/' stays, so that people can read the address; the segments "." and ".." do not, because programs on the
// way like to resolve them.
std::string encode_key(std::string_view key) {
  std::string text;
  bool first = true;
  for (const std::string& segment : split(key, '/')) {
    if (!first) text += '/';
    first = false;
    if (segment == "." || segment == "..") {
      text += replace_all(segment, ".", "%2E");
    } else {
      text += percent_encode(segment);
    }
  }
  return text;
}

}  // namespace

std::optional<SourceAddress> parse_source(std::string_view source) {
  if (has_control(source)) return std::nullopt;
  SourceAddress address;
  if (source.starts_with(kS3)) {
    source.remove_prefix(kS3.size());
    const std::size_t slash = source.find('/');
    address.bucket = source.substr(0, slash);
    if (slash != std::string_view::npos) address.prefix = source.substr(slash + 1);
    if (!is_bucket_name(address.bucket)) return std::nullopt;
    return address;
  }
  if (!source.starts_with(kFile)) return std::nullopt;
  source.remove_prefix(kFile.size());
  if (!source.starts_with('/')) return std::nullopt;
  const std::vector<std::string> segments = split(source, '/');
  address.is_file = true;
  for (const std::string& segment : segments) {
    if (segment == "..") return std::nullopt;
    if (!segment.empty() && segment != ".") address.prefix += "/" + segment;
  }
  address.prefix += '/';
  return address;
}

std::string bound_uri(const std::string& bucket, const std::string& key, const std::string& version_id,
                      bool is_file) {
  std::string uri(is_file ? kFile : kS3);
  if (!is_file) uri += bucket + "/";
  uri += encode_key(key);
  if (!version_id.empty()) uri += std::string(kVersion) + percent_encode(version_id);
  return uri;
}

std::optional<BoundAddress> parse_bound_uri(std::string_view uri) {
  BoundAddress address;
  address.is_file = uri.starts_with(kFile);
  if (!address.is_file && !uri.starts_with(kS3)) return std::nullopt;
  uri.remove_prefix(address.is_file ? kFile.size() : kS3.size());
  std::string_view version;
  if (const std::size_t query = uri.find('?'); query != std::string_view::npos) {
    if (!uri.substr(query).starts_with(kVersion)) return std::nullopt;
    version = uri.substr(query + kVersion.size());
    uri = uri.substr(0, query);
  }
  if (!address.is_file) {
    const std::size_t slash = uri.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    address.bucket = uri.substr(0, slash);
    uri.remove_prefix(slash + 1);
    if (!is_bucket_name(address.bucket)) return std::nullopt;
  } else if (!uri.starts_with('/')) {
    return std::nullopt;
  }
  auto key = percent_decode(uri);
  auto decoded_version = percent_decode(version);
  if (!key || key->empty() || key->find('\0') != std::string::npos || !decoded_version) return std::nullopt;
  address.key = *std::move(key);
  address.version_id = *std::move(decoded_version);
  return address;
}

}  // namespace tidegate::dataset
