#include "release/host_fit.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::release {
namespace {

constexpr std::int64_t kMostSkew = 300;

// "3.11.2" → {3, 11}; what is not there is -1.
std::pair<long long, long long> major_minor(std::string_view version) {
  const auto parts = split(version, '.');
  const auto number = [&](std::size_t i) {
    return i < parts.size() ? parse_integer(parts[i]).value_or(-1) : -1;
  };
  return {number(0), number(1)};
}

std::string label_of(const std::map<std::string, std::string>& labels, const char* name) {
  const auto it = labels.find(name);
  return it == labels.end() ? "" : it->second;
}

struct WheelName {
  std::string package;  // normalized
  std::vector<std::string> python;
  std::vector<std::string> abi;
  std::vector<std::string> platform;
};

// PEP 503: runs of - _ . are one -, in lower case.
std::string normalized(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (!separator) out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    if (separator && !out.ends_with('-')) out.push_back('-');
  }
  return out;
}

std::optional<WheelName> parse_wheel(std::string_view file) {
  constexpr std::string_view kEnding = ".whl";
  if (!file.ends_with(kEnding)) return std::nullopt;
  const auto parts = split(file.substr(0, file.size() - kEnding.size()), '-');
  if (parts.size() != 5 && parts.size() != 6) return std::nullopt;
  const auto set = [&](std::size_t from_end) { return split(parts[parts.size() - from_end], '.'); };
  return WheelName{normalized(parts[0]), set(3), set(2), set(1)};
}

// "cp311" → ("cp", 3, 11); "py3" → ("py", 3, -1).
struct PythonTag {
  std::string_view kind;
  long long major = -1;
  long long minor = -1;
};
std::optional<PythonTag> parse_python(std::string_view tag) {
  if (tag.size() < 3 || (!tag.starts_with("cp") && !tag.starts_with("py"))) return std::nullopt;
  const auto major = parse_integer(tag.substr(2, 1));
  const auto minor = tag.size() == 3 ? std::optional<long long>(-1) : parse_integer(tag.substr(3));
  if (!major || !minor) return std::nullopt;
  return PythonTag{tag.substr(0, 2), *major, *minor};
}

bool interpreter_fits(std::string_view python, std::string_view abi, const HostAbi& host) {
  const auto tag = parse_python(python);
  const auto [major, minor] = major_minor(host.version);
  if (!tag || tag->major != major) return false;
  if (tag->kind == "py") return abi == "none" && tag->minor <= minor;
  if (abi == "abi3") return tag->minor <= minor && tag->minor >= 2;
  if (abi == "none") return tag->minor == -1 || tag->minor == minor;
  return tag->minor == minor && abi == python;
}

// The glibc that a platform tag asks for (PEP 600 and its forerunners), and the machine.
std::optional<std::pair<long long, std::string>> glibc_of(std::string_view tag) {
  constexpr std::array<std::pair<std::string_view, long long>, 3> kOld = {
      {{"manylinux1_", 5}, {"manylinux2010_", 12}, {"manylinux2014_", 17}}};
  for (const auto& [prefix, minor] : kOld)
    if (tag.starts_with(prefix)) return std::pair(minor, std::string(tag.substr(prefix.size())));
  constexpr std::string_view kNew = "manylinux_2_";
  if (!tag.starts_with(kNew)) return std::nullopt;
  const auto rest = tag.substr(kNew.size());
  const auto end = rest.find('_');
  const auto minor = parse_integer(rest.substr(0, end));
  if (!minor || end == std::string_view::npos) return std::nullopt;
  return std::pair(*minor, std::string(rest.substr(end + 1)));
}

bool platform_fits(std::string_view tag, const HostAbi& host) {
  if (tag == "any" || host.platform.empty()) return true;
  const auto dash = host.platform.find('-');
  const auto machine = dash == std::string::npos ? "" : host.platform.substr(dash + 1);
  if (tag == "linux_" + machine) return true;
  if (const auto glibc = glibc_of(tag))
    return glibc->second == machine && !host.glibc.empty() && glibc->first <= major_minor(host.glibc).second;
  return tag.starts_with("musllinux_") && tag.ends_with("_" + machine) && host.glibc.empty();
}

// Names of the packages that a lock file pins.
std::set<std::string> locked(std::string_view lock) {
  std::set<std::string> names;
  for (const auto& line : split(lock, '\n')) {
    if (line.empty() || line.front() == '#' || line.front() == ' ' || line.front() == '\t' ||
        line.front() == '-')
      continue;
    names.insert(normalized(std::string_view(line).substr(0, line.find_first_of("=<>!~ [;@\r\\"))));
  }
  return names;
}

}  // namespace

Status check_labels(const std::map<std::string, std::string>& labels, const HostAbi& host) {
  const auto differ = [&](std::string_view what, const std::string& image, const std::string& here) {
    return fail(Errc::kFailed, fmt::format("the image was built for {} {}, and this host has {}", what,
                                           printable(image), printable(here)));
  };
  const auto python = label_of(labels, "tidegate.python");
  if (!python.empty() && !host.version.empty() && major_minor(python) != major_minor(host.version))
    return differ("Python", python, host.version);
  const auto soabi = label_of(labels, "tidegate.soabi");
  if (!soabi.empty() && !host.soabi.empty() && soabi != host.soabi)
    return differ("the ABI", soabi, host.soabi);
  const auto glibc = label_of(labels, "tidegate.glibc");
  if (!glibc.empty() && !host.glibc.empty() && major_minor(host.glibc) < major_minor(glibc))
    return differ("glibc", glibc, host.glibc);
  return {};
}

bool wheel_fits(std::string_view file, const HostAbi& host) {
  const auto wheel = parse_wheel(file);
  if (!wheel) return false;
  for (const auto& python : wheel->python)
    for (const auto& abi : wheel->abi)
      for (const auto& platform : wheel->platform)
        if (interpreter_fits(python, abi, host) && platform_fits(platform, host)) return true;
  return false;
}

Status check_wheels(std::string_view lock, const std::vector<std::string>& files, const HostAbi& host) {
  const auto names = locked(lock);
  std::map<std::string, std::string> unfit;
  std::set<std::string> fit;
  for (const auto& file : files) {
    const auto wheel = parse_wheel(file);
    if (!wheel || !names.contains(wheel->package)) continue;
    if (wheel_fits(file, host)) {
      fit.insert(wheel->package);
    } else {
      unfit[wheel->package] = file;
    }
  }
  std::erase_if(unfit, [&](const auto& entry) { return fit.contains(entry.first); });
  if (unfit.empty()) return {};
  return fail(Errc::kFailed,
              fmt::format("{} cannot be installed here: this host has Python {} ({}, glibc {})",
                          printable(unfit.begin()->second), host.version, host.platform,
                          host.glibc.empty() ? "none" : host.glibc));
}

// Wheels unpack to about three times their size, once, and their files become modules and compiled modules;
// the members share them by hard links. The rest is copied for each member.
Room room_needed(const Cargo& cargo) {
  Room room;
  room.bytes = cargo.bytes * (cargo.members + 1) + cargo.wheel_bytes * 5 + (64ULL << 20U);
  const auto unpacked = cargo.wheels * 30 + cargo.wheel_bytes / (32ULL << 10U);
  room.inodes = cargo.files * (1 + 2 * cargo.members) + cargo.wheels + 2 * unpacked +
                cargo.members * (unpacked / 4 + 40) + 100;
  return room;
}

Status check_room(const Room& needed, const Room& free, std::string_view where) {
  if (free.bytes < needed.bytes)
    return fail(Errc::kFailed, fmt::format("{} has {} MB free, and this release may need {} MB", where,
                                           free.bytes >> 20U, needed.bytes >> 20U));
  if (free.inodes && needed.inodes && *free.inodes < *needed.inodes)
    return fail(Errc::kFailed, fmt::format("{} has {} inodes free, and this release may need {}", where,
                                           *free.inodes, *needed.inodes));
  return {};
}

std::int64_t clock_skew(std::int64_t before, std::int64_t host, std::int64_t after) {
  if (host < before) return host - before;
  return host > after ? host - after : 0;
}

Status check_clock(std::int64_t skew) {
  if (std::abs(skew) <= kMostSkew) return {};
  return fail(Errc::kFailed,
              fmt::format("the host's clock is {} s {} ours: signatures and certificates would be refused",
                          std::abs(skew), skew > 0 ? "ahead of" : "behind"));
}

}  // namespace tidegate::release
