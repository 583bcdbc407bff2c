// What runs on a host: POSIX shell with coreutils (ln, mv -T, sync FILE, timeout, readlink -f), tar and
// Python. Values arrive as arguments, never in the text. Every script but `look` begins with the same words,
// and every one that changes something first proves that the lease is still ours.
#pragma once

#include <string_view>

namespace tidegate::app::scripts {

/// Exit codes of ours; the message is on standard error. Everything else is a failure nobody foresaw.
inline constexpr int kRefused = 10;      ///< it cannot be done like this; repeating will not help
inline constexpr int kLeaseLost = 11;    ///< another deployment has the target
inline constexpr int kUnreachable = 12;  ///< something that the host needs does not answer

/// $1 root, $2 token: fail, held, hold SECONDS, enter SECONDS (hold, and be known as the one who works),
/// clear.
extern const std::string_view kPrelude;
/// A shell function `load FILE`: exports NAME=value lines, expanding nothing. Part of the launcher too.
extern const std::string_view kLoad;

/// Arguments: root, "details" or "". Prints facts; changes nothing, needs no lease.
extern const std::string_view kLook;
/// expected lease line, seconds, owner. Then kLook may follow in the same script.
extern const std::string_view kTake;
extern const std::string_view kDropLease;
/// python, env file (relative, may be empty), members…
extern const std::string_view kPreflight;
/// python, env file.
extern const std::string_view kMlflow;
/// line.
extern const std::string_view kAppend;
/// seconds.
extern const std::string_view kRenew;
/// env file.
extern const std::string_view kEnvHash;
/// seconds, python, pip mode, key, release, env file, members…
extern const std::string_view kInstall;
/// seconds, "new" or "live", release, command, members…
extern const std::string_view kVerify;
/// member, link text, member, link text…
extern const std::string_view kPoint;
/// release, state, members…
extern const std::string_view kMark;
/// release, history line, member/release to remove…; gives the lease back.
extern const std::string_view kClose;

/// A shell function `write_manifest FOLDER`; needs $python, $root and $env. What a release is made of, by
/// hash, in FOLDER/manifest.json: its own files, the records of its packages, and the env file as it was.
extern const std::string_view kManifest;
/// python, env file, members…: compares with the manifest of what is live. Changes nothing, needs no lease.
extern const std::string_view kDrift;

/// The launcher in every release: `run PROGRAM [ARGUMENT…]`. The two texts @ENV@ (env file, absolute, may be
/// empty) and @LOAD@ (kLoad) are put in when the release is made.
extern const std::string_view kLauncher;

}  // namespace tidegate::app::scripts
