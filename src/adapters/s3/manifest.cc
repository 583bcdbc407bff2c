#include "adapters/s3/manifest.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::s3 {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxKey = 1024;

Error wrong(std::size_t index, std::string_view field, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("the manifest: members[{}].{} {}", index, field, why));
}

Result<std::string> text_of(const json::object& member, std::string_view field, std::size_t index) {
  const json::value* value = member.if_contains(field);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return wrong(index, field, "is not a string");
  return std::string(value->get_string());
}

Result<std::optional<std::uint64_t>> size_of(const json::object& member, std::size_t index) {
  const json::value* value = member.if_contains("size");
  if (value == nullptr || value->is_null()) return std::optional<std::uint64_t>();
  if (value->is_int64() && value->get_int64() >= 0)
    return std::optional(static_cast<std::uint64_t>(value->get_int64()));
  return wrong(index, "size", "is no size");
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && from_hex(text);
}

Result<dataset::Member> read_member(const json::value& value, std::size_t index) {
  const json::object* member = value.if_object();
  if (member == nullptr)
    return fail(Errc::kInvalid, fmt::format("the manifest: members[{}] is not an object", index));
  dataset::Member out;
  TG_TRY(out.key, text_of(*member, "key", index));
  if (out.key.empty()) return wrong(index, "key", "is missing");
  if (out.key.size() > 3 * kMaxKey) return wrong(index, "key", "is too long");
  TG_TRY(out.size, size_of(*member, index));
  TG_TRY(std::string sha256, text_of(*member, "sha256", index));
  out.sha256 = to_lower(sha256);
  if (!out.sha256.empty() && !is_sha256(out.sha256))
    return wrong(index, "sha256", "is not 64 hexadecimal digits");
  TG_TRY(std::string etag, text_of(*member, "etag", index));
  out.etag = replace_all(std::move(etag), "\"", "");
  return out;
}

}  // namespace

Result<dataset::Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifest)
    return fail(Errc::kInvalid,
                fmt::format("the manifest has {} bytes, more than {}", text.size(), kMaxManifest));
  boost::system::error_code error;
  const json::value document = json::parse({text.data(), text.size()}, error);
  if (error) return fail(Errc::kInvalid, "the manifest is not JSON: " + error.message());
  const json::object* object = document.if_object();
  const json::value* list = object != nullptr ? object->if_contains("members") : nullptr;
  if (list == nullptr || !list->is_array())
    return fail(Errc::kInvalid, "the manifest has no list of members: {\"members\": [{\"key\": …}]}");
  const json::array& members = list->get_array();
  if (members.size() > dataset::kMostMembers)
    return fail(Errc::kInvalid, fmt::format("the manifest lists {} members, more than {}", members.size(),
                                            dataset::kMostMembers));
  dataset::Manifest out;
  for (std::size_t i = 0; i < members.size(); ++i) {
    TG_TRY(out.members.emplace_back(), read_member(members[i], i));
  }
  return out;
}

}  // namespace tidegate::s3
