// Which of an image's release files go to the host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::image {

/// Names that the release folder of an image gives a meaning of their own: `wheels/` and `requirements.lock`
/// are installed, not copied.
inline constexpr std::string_view kWheels = "wheels";
inline constexpr std::string_view kLock = "requirements.lock";

/// `files:` of a target, each "train.py" or "models/" (with or without the slash: a folder is taken whole).
/// `present` are the files (not folders) below the release folder, as relative paths. Returns those to copy,
/// in the order of `present`. kInvalid: an entry is absolute, has "..", or is empty; kNotFound: the image has
/// none of an entry's files, all such entries named. No entries: everything but wheels and lock.
Result<std::vector<std::string>> select_release_files(const std::vector<std::string>& wanted,
                                                      const std::vector<std::string>& present);

}  // namespace tidegate::image
