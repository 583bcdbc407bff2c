#include "adapters/ssh/ssh_url.h"

#include <gtest/gtest.h>

namespace tidegate::ssh {
namespace {

TEST(SshUrl, TakesApart) {
  EXPECT_EQ(*parse_ssh_url("ssh://ec2-user@ec2-a"), (SshUrl{"ec2-user", "ec2-a", 0}));
  EXPECT_EQ(*parse_ssh_url("ssh://10.99.18.11:2222/"), (SshUrl{"", "10.99.18.11", 2222}));
  EXPECT_EQ(*parse_ssh_url("ssh://a@[fe80::1%eth0]:22"), (SshUrl{"a", "fe80::1%eth0", 22}));
}

TEST(SshUrl, RefusesWhatSshOrAShellCouldMistake) {
  for (const char* url :
       {"", "ec2-a", "http://a", "ssh://", "ssh://@a", "ssh://-oProxyCommand=id", "ssh://a b",
        "ssh://$(id)@a", "ssh://a/path", "ssh://a:0", "ssh://a:70000", "ssh://a:x", "ssh://a:", "ssh://u@-l",
        "ssh://[::1", "ssh://a;id", "ssh://a\nb", "ssh://-u@a"}) {
    const auto result = parse_ssh_url(url);
    ASSERT_FALSE(result) << url;
    EXPECT_EQ(result.error().code, Errc::kInvalid);
  }
}

}  // namespace
}  // namespace tidegate::ssh
