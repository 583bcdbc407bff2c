#include "adapters/registry/skopeo_errors.h"

#include <gtest/gtest.h>

namespace tidegate::registry {
namespace {

TEST(SkopeoErrors, MeanSomethingToTheCaller) {
  // Collected from skopeo 1.9.3 against Debian's docker-registry.
  const auto code = [](std::string_view text) { return skopeo_error("inspect x", text).code; };
  EXPECT_EQ(code("time=\"2026-11-23T13:00:00Z\" level=fatal msg=\"Error parsing image name "
                 "\\\"docker://localhost:1/a:b\\\": "
                 "reading manifest b in localhost:1/a: manifest unknown: manifest unknown\""),
            Errc::kNotFound);
  EXPECT_EQ(code("level=fatal msg=\"… name unknown: repository name not known to registry\""),
            Errc::kNotFound);
  EXPECT_EQ(code("level=fatal msg=\"… unauthorized: authentication required\""), Errc::kDenied);
  EXPECT_EQ(code("level=fatal msg=\"… dial tcp 127.0.0.1:1: connect: connection refused\""),
            Errc::kUnavailable);
  EXPECT_EQ(code("level=fatal msg=\"… x509: certificate signed by unknown authority\""), Errc::kEnvironment);
  EXPECT_EQ(code("something new"), Errc::kFailed);
  EXPECT_EQ(code(""), Errc::kFailed);
}

TEST(SkopeoErrors, KeepTheWordsAndDropTheDecoration) {
  const auto error =
      skopeo_error("inspect x", "WARN\ntime=\"t\" level=fatal msg=\"image \\\"a\\\": manifest unknown\"\n");
  EXPECT_EQ(error.message, "inspect x: image \"a\": manifest unknown");
}

}  // namespace
}  // namespace tidegate::registry
