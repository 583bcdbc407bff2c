// ssh://[user@]host[:port], as targets name their hosts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate::ssh {

struct SshUrl {
  std::string user;  ///< empty: as ssh's configuration says
  std::string host;  ///< a name, an address (IPv6 without brackets) or an alias of ssh's configuration
  int port = 0;      ///< 0: as ssh's configuration says

  friend bool operator==(const SshUrl&, const SshUrl&) = default;
};

/// kInvalid for another scheme, a path, and names that ssh could take for an option or a shell for more than
/// a word.
Result<SshUrl> parse_ssh_url(std::string_view url);

}  // namespace tidegate::ssh
