// Result<T>: a value, or an Error that says what the caller can do about it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tidegate {

/// What a caller can do about a failure. HTTP status, exit code and retry follow from it, by one switch each.
enum class Errc : std::uint8_t {
  kInvalid,      ///< the input is wrong; repeating it will not help
  kNotFound,     ///< the thing named does not exist
  kConflict,     ///< the state has moved on (compare-and-swap lost, lease held by another)
  kDenied,       ///< wrong or missing credentials or rights
  kUnavailable,  ///< the other side is down or slow; try again later
  kFailed,       ///< the work was done and its outcome is a failure (a job, a health check, a gate)
  kCanceled,     ///< somebody asked us to stop
  kEnvironment,  ///< this machine lacks something; the message says what to install
  kInternal,     ///< a fault of our own
};

/// The lower-case word used in logs, JSON and the store, e.g. "not_found".
std::string_view to_string(Errc code);

/// A failure: a code for programs, a message for people. The message names the operation and the object.
struct Error {
  Errc code = Errc::kInternal;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

/// An expected failure is a value. Broken invariants abort; library throws are caught at the rim.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error)
      : std::expected<T, Error>(std::unexpected(std::move(error))) {}  // NOLINT: implicit on purpose
};

/// Success without a value.
using Status = Result<void>;

/// `return fail(Errc::kNotFound, "no such source: …")`.
inline Error fail(Errc code, std::string message) {
  return Error{code, std::move(message)};
}

/// The same error with what was being attempted put in front: "deploy to a: connect: refused".
inline Error with_context(std::string_view what, Error error) {
  error.message = std::string(what) + ": " + error.message;
  return error;
}

}  // namespace tidegate

#define TG_CONCAT_INNER(a, b) a##b
#define TG_CONCAT(a, b) TG_CONCAT_INNER(a, b)
#define TG_TRY_IMPL(tmp, declaration, ...) \
  auto tmp = (__VA_ARGS__);                \
  if (!tmp) return std::move(tmp).error(); \
  declaration = *std::move(tmp)

/// TG_TRY(auto plan, compile(text)): declares plan, or returns the error from the enclosing function.
#define TG_TRY(declaration, ...) TG_TRY_IMPL(TG_CONCAT(tg_try_, __COUNTER__), declaration, __VA_ARGS__)

/// TG_CHECK(write(file)): returns the error from the enclosing function; for Results without a value.
#define TG_CHECK(...)                                                                    \
  do {                                                                                   \
    if (auto tg_status = (__VA_ARGS__); !tg_status) return std::move(tg_status).error(); \
  } while (false)
