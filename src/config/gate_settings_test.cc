#include "config/gate_settings.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "config/project_file.h"

namespace tidegate::config {
namespace {

LoadedProjectFile load_with(const std::string& lines) {
  return load_project_file(
      fmt::format("data:\n  a:\n    source: s3://bucket/\n    bind: [{{ file: x }}]\n{}", lines));
}

TEST(GateSettings, WithoutThem) {
  const auto loaded = load_with("");
  ASSERT_FALSE(has_errors(loaded.diagnostics));
  const GateSettings& gate = loaded.file.data[0].gate;
  EXPECT_FALSE(gate.network);
  EXPECT_EQ(gate.in_flight, 1);
  EXPECT_FALSE(gate.ordered);
  EXPECT_TRUE(gate.diagnose);
  EXPECT_EQ(gate.longest, Seconds{1800});
}

TEST(GateSettings, AllOfThem) {
  const auto loaded = load_with(
      "    in_flight: 3\n    ordered: true\n    network: [\"build_*\", deploy]\n    limits: { time: 2h }\n"
      "    on_failure: { diagnose: false, longest: 10m, per_day: 4, flaky: retry }\n");
  ASSERT_TRUE(loaded.diagnostics.empty()) << loaded.diagnostics[0].message;
  const GateSettings& gate = loaded.file.data[0].gate;
  EXPECT_EQ(gate.network, (std::vector<std::string>{"build_*", "deploy"}));
  EXPECT_EQ(gate.most_time, Seconds{7200});
  EXPECT_EQ(gate.in_flight, 3);
  EXPECT_TRUE(gate.ordered);
  EXPECT_FALSE(gate.diagnose);
  EXPECT_EQ(gate.longest, Seconds{600});
  EXPECT_EQ(gate.per_day, 4);
  EXPECT_TRUE(gate.retry_flaky);
}

TEST(GateSettings, NetworkInOneWord) {
  EXPECT_FALSE(load_with("    network: granted\n").file.data[0].gate.network);
  EXPECT_EQ(load_with("    network: none\n").file.data[0].gate.network, std::vector<std::string>());
}

TEST(GateSettings, Refused) {
  for (const char* lines :
       {"    network: sometimes\n", "    network: { a: b }\n", "    limits: { time: soon }\n",
        "    limits: { files: 3 }\n", "    in_flight: 0\n", "    in_flight: 17\n", "    ordered: maybe\n",
        "    on_failure: rejected\n", "    on_failure: { flaky: maybe }\n",
        "    on_failure: { per_day: 0 }\n"}) {
    EXPECT_TRUE(has_errors(load_with(lines).diagnostics)) << lines;
  }
}

}  // namespace
}  // namespace tidegate::config
