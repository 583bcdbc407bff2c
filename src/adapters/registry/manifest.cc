#include "adapters/registry/manifest.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "image/reference.h"

namespace tidegate::registry {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLayers = 1000;

Error wrong(std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("image manifest: {}", why));
}

Result<json::value> parse(std::string_view text, std::string_view what) {
  json::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail(Errc::kInvalid, fmt::format("{}: not a JSON object", what));
  return value;
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(*text) : std::string();
}

Result<Blob> blob_of(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return wrong("a descriptor is not an object");
  Blob blob{text_of(*object, "digest"), 0, text_of(*object, "mediaType")};
  if (!image::is_digest(blob.digest))
    return wrong(fmt::format("'{}' is not a SHA-256 digest", printable(blob.digest)));
  const auto* size = object->if_contains("size");
  json::error_code error;
  if (size != nullptr) blob.size = size->to_number<std::uint64_t>(error);
  if (size == nullptr || error) return wrong(fmt::format("{} has no size", blob.digest));
  return blob;
}

Result<Manifest> parse_index(const json::array& entries) {
  Manifest manifest;
  if (entries.size() > kMaxLayers) return wrong("more than 1000 platforms");
  for (const auto& entry : entries) {
    TG_TRY(const auto blob, blob_of(entry));
    const auto* platform = entry.as_object().if_contains("platform");
    if (platform == nullptr || !platform->is_object()) continue;
    manifest.platforms.push_back(
        {blob.digest, text_of(platform->as_object(), "os"), text_of(platform->as_object(), "architecture")});
  }
  if (manifest.platforms.empty()) return wrong("an index without platforms");
  return manifest;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  TG_TRY(const auto value, parse(text, "image manifest"));
  const auto& object = value.as_object();
  if (const auto* entries = object.if_contains("manifests"); entries != nullptr && entries->is_array())
    return parse_index(entries->as_array());
  const auto* config = object.if_contains("config");
  const auto* layers = object.if_contains("layers");
  if (config == nullptr || layers == nullptr || !layers->is_array())
    return wrong("neither an image (config, layers) nor an index; schema 1 is not supported");
  Manifest manifest;
  TG_TRY(manifest.config, blob_of(*config));
  if (layers->as_array().size() > kMaxLayers) return wrong("more than 1000 layers");
  for (const auto& entry : layers->as_array()) {
    TG_TRY(auto layer, blob_of(entry));
    if (layer.media_type.find("foreign") != std::string::npos ||
        layer.media_type.find("encrypted") != std::string::npos)
      return wrong(fmt::format("layer {} is {}", layer.digest, printable(layer.media_type)));
    manifest.layers.push_back(std::move(layer));
  }
  return manifest;
}

std::optional<std::string> for_platform(const Manifest& index, std::string_view architecture) {
  for (const auto& platform : index.platforms)
    if (platform.os == "linux" && platform.architecture == architecture) return platform.digest;
  return std::nullopt;
}

Result<ImageConfig> parse_config(std::string_view text) {
  TG_TRY(const auto value, parse(text, "image configuration"));
  ImageConfig out{text_of(value.as_object(), "architecture"), {}};
  const auto* config = value.as_object().if_contains("config");
  const auto* object = config != nullptr ? config->if_object() : nullptr;
  const auto* labels = object != nullptr ? object->if_contains("Labels") : nullptr;
  if (labels == nullptr || !labels->is_object()) return out;
  for (const auto& [key, label] : labels->as_object())
    if (label.is_string()) out.labels.emplace(key, std::string(label.as_string()));
  return out;
}

std::string_view this_architecture() {
#if defined(__x86_64__)
  return "amd64";
#elif defined(__aarch64__)
  return "arm64";
#else
#error "name this architecture as OCI does"
#endif
}

}  // namespace tidegate::registry
