#include "base/result.h"

namespace tidegate {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return "invalid";
    case Errc::kNotFound:
      return "not_found";
    case Errc::kConflict:
      return "conflict";
    case Errc::kDenied:
      return "denied";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kFailed:
      return "failed";
    case Errc::kCanceled:
      return "canceled";
    case Errc::kEnvironment:
      return "environment";
    case Errc::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace tidegate
