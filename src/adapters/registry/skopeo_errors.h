// What skopeo's complaints mean for the caller.
#pragma once

#include <string_view>

#include "base/result.h"

namespace tidegate::registry {

/// Maps skopeo's standard error to a code: an unknown tag or repository is kNotFound, a wrong login kDenied,
/// a registry that does not answer kUnavailable, a certificate nobody trusts kEnvironment, the rest kFailed.
/// The message is its last line without the log decoration.
Error skopeo_error(std::string_view what, std::string_view standard_error);

}  // namespace tidegate::registry
