#include "app/runner/job_mounts.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "dataset/readiness.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kDataFolder = "/tidegate/data";
constexpr std::size_t kLongestName = 200;  // file systems allow 255 bytes

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string label(const pipeline::JobData& data) {
  return fmt::format("data object {} of source \"{}\"", printable(data.uri), printable(data.source));
}

Status verify(const std::string& name, const fs::path& file, const std::string& sha256) {
  if (sha256.empty()) return fail(Errc::kInvalid, name + " came without its SHA-256");
  const Result<std::string> found = sys::sha256_of_file(file);
  if (!found) return with_context(name, found.error());
  if (*found == to_lower(sha256)) return {};
  return fail(Errc::kFailed, fmt::format("{} is damaged: its SHA-256 is {}, it was {} when it was taken in",
                                         name, *found, to_lower(sha256)));
}

Status copy_read_only(const fs::path& from, const fs::path& to) {
  TG_CHECK(sys::make_directories(to.parent_path()));
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error)
    fs::permissions(to, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read, error);
  if (error) {
    return fail(error == std::errc::no_space_on_device ? Errc::kEnvironment : Errc::kInternal,
                fmt::format("copy {}: {}", printable(from.native()), error.message()));
  }
  return {};
}

// The same bytes under another name, without using disk where that is possible.
Status link_read_only(const fs::path& from, const fs::path& to) {
  TG_CHECK(sys::make_directories(to.parent_path()));
  std::error_code error;
  fs::create_hard_link(from, to, error);
  return error ? copy_read_only(from, to) : Status{};
}

// A folder with every file of the set under its own name. `share`: the job cannot write through the mount, so
// the files may be the store's own.
Status unfold_set(const pipeline::JobData& data, const fs::path& folder, bool share) {
  TG_TRY(const std::string text, sys::read_file(data.file));
  TG_TRY(const auto files, dataset::parse_set_listing(text));
  for (const dataset::SetFile& file : files) {
    const fs::path object = fs::path(data.file).parent_path() / file.sha256;
    TG_CHECK(verify(label(data) + ", " + printable(file.name), object, file.sha256));
    TG_CHECK(share ? link_read_only(object, folder / file.name) : copy_read_only(object, folder / file.name));
  }
  return {};
}

// The last segment of what the code names, without the version.
std::string name_of(const pipeline::JobData& data) {
  return safe_file_name(data.is_set ? data.uri.substr(0, data.uri.find('?')) : data.uri);
}

}  // namespace

std::string safe_file_name(const std::string& uri) {
  const std::size_t slash = uri.find_last_of('/', uri.find_last_not_of('/'));
  std::string name = slash == std::string::npos ? uri : uri.substr(slash + 1);
  while (name.ends_with('/')) name.pop_back();
  const bool text = is_utf8(name);
  for (char& c : name) {
    const bool keep = is_alphanumeric(c) || c == '.' || c == '_' || c == '-' ||
                      (text && static_cast<unsigned char>(c) >= 0x80);
    if (!keep) c = '_';
  }
  if (name.size() > kLongestName) {  // its end, where the type stands; not in the middle of a character
    name.erase(0, name.size() - kLongestName);
    while (!name.empty() && (static_cast<unsigned char>(name.front()) & 0xC0U) == 0x80U) name.erase(0, 1);
  }
  if (name.empty()) return "object";
  if (name.front() == '-' || name.front() == '.') name.front() = '_';
  return name;
}

std::string data_variable(const std::string& source) {
  std::string name = to_upper(source);
  std::ranges::replace_if(name, [](char c) { return !is_alphanumeric(c); }, '_');
  return "TIDEGATE_DATA_" + name;
}

Result<JobMounts> mount_data(const std::vector<pipeline::JobData>& data, bool own_file_system,
                             const fs::path& scratch) {
  JobMounts result;
  std::set<std::string> used;
  for (const pipeline::JobData& object : data) {
    TG_CHECK(verify(label(object), object.file, object.sha256));
    const std::string folder = safe_file_name(object.source);
    const std::string name = name_of(object);
    std::string place = folder + "/" + name;
    for (int n = 2; !used.insert(place).second; ++n) place = fmt::format("{}/{}-{}", folder, n, name);
    std::string inside = fmt::format("{}/{}", kDataFolder, place);
    const fs::path copy = scratch / "data" / place;
    if (object.is_set) {
      TG_CHECK(unfold_set(object, copy, own_file_system));
    } else if (!own_file_system) {
      TG_CHECK(copy_read_only(object.file, copy));
    }
    if (own_file_system) {
      result.mounts.push_back({fs::absolute(object.is_set ? copy : fs::path(object.file)), inside, true});
    } else {
      inside = copy.native();
    }
    const std::string variable = data_variable(object.source);
    result.environment[variable] = inside;
    result.environment[variable + "_URI"] = object.uri;
  }
  return result;
}

Result<JobMounts> mount_client(const RunnerSettings& settings, bool own_file_system, const fs::path& scratch,
                               const std::string& path) {
  JobMounts result;
  if (!settings.job_socket_directory.empty()) {
    const fs::path host = fs::absolute(settings.job_socket_directory);
    const fs::path seen = own_file_system ? fs::path("/run/tidegate") : host;
    if (own_file_system) result.mounts.push_back({host, seen.native(), false});
    result.environment["TIDEGATE_JOB_SOCKET"] = (seen / kJobSocketName).native();
  }
  if (settings.client_binary.empty()) return result;
  const fs::path binary = fs::absolute(settings.client_binary);
  if (own_file_system) {
    result.mounts.push_back({binary, "/usr/local/bin/tidegate", true});
    return result;
  }
  TG_CHECK(sys::make_directories(scratch / "bin"));
  std::error_code error;
  fs::create_symlink(binary, scratch / "bin" / "tidegate", error);
  if (error && error != std::errc::file_exists) {
    return fail(Errc::kInternal,
                fmt::format("link the client into {}: {}", scratch.native(), error.message()));
  }
  result.environment["PATH"] = (scratch / "bin").native() + ":" + path;
  return result;
}

}  // namespace tidegate::app
