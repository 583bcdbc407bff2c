#include "dataset/readiness.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::dataset {
namespace {

constexpr std::string_view kHead = "tidegate-set/1\n";
constexpr std::size_t kLongestSegment = 255;  // of a file name on Linux
constexpr std::size_t kNamed = 3;             // so many members are named in a reason

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// An address of the same bucket, or a key relative to the manifest's folder, byte for byte.
Result<std::string> full_key(const std::string& written, std::string_view bucket, const std::string& folder) {
  if (!written.starts_with("s3://")) return folder + written;
  const std::string own = fmt::format("s3://{}/", bucket);
  if (written.starts_with(own)) return written.substr(own.size());
  return fail(Errc::kInvalid, fmt::format("the manifest names {}, which is not in bucket {}",
                                          printable(written), printable(bucket)));
}

Status check_key(const std::string& key, std::string_view prefix) {
  if (key.starts_with(prefix) && key.size() > prefix.size()) return {};
  return fail(Errc::kInvalid,
              fmt::format("the manifest names {}, which is not below {}", printable(key), printable(prefix)));
}

Status check_segments(const std::string& name) {
  for (const std::string& segment : split(name, '/')) {
    if (segment.empty() || segment == "." || segment == "..")
      return fail(Errc::kInvalid,
                  fmt::format("{} cannot be a file in a folder: a part of it is empty, \".\" or \"..\"",
                              printable(name)));
    if (segment.size() > kLongestSegment)
      return fail(Errc::kInvalid, fmt::format("{} cannot be a file in a folder: a part of it is longer than "
                                              "{} bytes",
                                              printable(name), kLongestSegment));
  }
  if (name.find('\0') != std::string::npos)
    return fail(Errc::kInvalid, printable(name) + " cannot be a file in a folder: it holds a NUL byte");
  return {};
}

// Empty: it is as wanted.
std::string difference(const Member& wanted, const Found& found, std::optional<Instant> announced_at) {
  if (wanted.size && *wanted.size != found.size)
    return fmt::format("has {} bytes, the manifest says {}", found.size, *wanted.size);
  if (!wanted.etag.empty() && wanted.etag != found.etag)
    return fmt::format("has etag {}, the manifest says {}", printable(found.etag), printable(wanted.etag));
  if (!wanted.sha256.empty() && !found.sha256.empty() && wanted.sha256 != found.sha256)
    return fmt::format("has SHA-256 {}, the manifest says {}", found.sha256, wanted.sha256);
  // Stores tell time in whole seconds.
  if (announced_at && found.modified_at >= std::chrono::floor<Seconds>(*announced_at) + Seconds{1})
    return "was written after the marker; a new marker is waited for";
  return {};
}

std::string count_of(std::size_t count, std::size_t all, std::string_view what) {
  return fmt::format("{} of {} objects {} {}", count, all, count == 1 ? "is" : "are", what);
}

void add_name(std::vector<std::string>& names, std::string text) {
  if (names.size() < kNamed) names.push_back(std::move(text));
}

std::string ellipsis(std::size_t count) {
  return count > kNamed ? ", …" : "";
}

}  // namespace

std::string folder_of(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(key.substr(0, slash + 1));
}

Status check_names(const std::vector<std::string>& names) {
  const std::set<std::string_view> files(names.begin(), names.end());
  for (const std::string& name : names) {
    TG_CHECK(check_segments(name));
    for (std::size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      if (!files.contains(std::string_view(name).substr(0, slash))) continue;
      return fail(Errc::kInvalid, fmt::format("{} cannot be a file in a folder: {} is an object too",
                                              printable(name), printable(name.substr(0, slash))));
    }
  }
  return {};
}

Result<std::vector<Member>> members_of(const Manifest& manifest, std::string_view bucket,
                                       std::string_view manifest_key, std::string_view prefix) {
  if (manifest.members.empty()) return fail(Errc::kInvalid, "the manifest lists no members");
  if (manifest.members.size() > kMostMembers)
    return fail(Errc::kInvalid, fmt::format("the manifest lists {} members, more than {}",
                                            manifest.members.size(), kMostMembers));
  const std::string folder = folder_of(manifest_key);
  std::vector<Member> out = manifest.members;
  std::set<std::string> seen;
  for (Member& member : out) {
    TG_TRY(member.key, full_key(member.key, bucket, folder));
    TG_CHECK(check_key(member.key, prefix));
    if (member.key == manifest_key) return fail(Errc::kInvalid, "the manifest lists itself");
    if (!seen.insert(member.key).second)
      return fail(Errc::kInvalid, fmt::format("the manifest lists {} twice", printable(member.key)));
  }
  const bool is_inside =
      std::ranges::all_of(out, [&](const Member& member) { return member.key.starts_with(folder); });
  const std::size_t cut = is_inside ? folder.size() : prefix.size();
  std::vector<std::string> names;
  for (Member& member : out) names.push_back(member.name = member.key.substr(cut));
  TG_CHECK(check_names(names));
  return out;
}

Readiness assess(const std::vector<Member>& wanted, const std::vector<std::optional<Found>>& found,
                 std::optional<Instant> announced_at) {
  Readiness result;
  std::vector<std::string> missing;
  std::vector<std::string> different;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= found.size() || !found[i]) {
      ++result.missing;
      add_name(missing, printable(wanted[i].name));
    } else if (std::string why = difference(wanted[i], *found[i], announced_at); !why.empty()) {
      ++result.different;
      add_name(different, printable(wanted[i].name) + " " + why);
    }
  }
  std::vector<std::string> parts;
  if (result.missing > 0)
    parts.push_back(count_of(result.missing, wanted.size(), "missing") + ": " + join(missing, ", ") +
                    ellipsis(result.missing));
  if (result.different > 0)
    parts.push_back(count_of(result.different, wanted.size(), "not as announced") + ": " +
                    join(different, ", ") + ellipsis(result.different));
  result.reason = join(parts, "; ");
  return result;
}

std::string set_listing(std::vector<SetFile> files) {
  std::ranges::sort(files, {}, &SetFile::name);
  std::string text(kHead);
  for (const SetFile& file : files)
    text += fmt::format("{} {} {}\n", file.sha256, file.size, percent_encode(file.name, "/"));
  return text;
}

Result<std::vector<SetFile>> parse_set_listing(std::string_view text) {
  const Error wrong = fail(Errc::kInvalid, "not the listing of a set");
  if (!text.starts_with(kHead) || !text.ends_with('\n')) return wrong;
  std::vector<SetFile> files;
  std::string_view rest = text.substr(kHead.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::vector<std::string> parts = split(line, ' ');
    if (parts.size() != 3 || !is_sha256(parts[0])) return wrong;
    const auto size = parse_integer(parts[1]);
    auto name = percent_decode(parts[2]);
    if (!size || *size < 0 || !name) return wrong;
    files.push_back({*std::move(name), static_cast<std::uint64_t>(*size), parts[0]});
  }
  if (set_listing(files) != text) return wrong;
  std::vector<std::string> names;
  for (const SetFile& file : files) names.push_back(file.name);
  TG_CHECK(check_names(names));
  return files;
}

}  // namespace tidegate::dataset
