// `tidegate lambda package`: the zip that AWS Lambda takes.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "app/runner/archive.h"
#include "main/command_line.h"
#include "main/local_commands.h"
#include "sys/file.h"

namespace tidegate::main {
namespace {

namespace fs = std::filesystem;

Status copy(const fs::path& from, const fs::path& to, fs::perms mode) {
  std::error_code failed;
  fs::copy_file(from, to, failed);
  if (!failed) fs::permissions(to, mode, failed);
  if (failed) return fail(Errc::kEnvironment, fmt::format("{}: {}", from.string(), failed.message()));
  return {};
}

// Lambda's user is another than who packed: all may read, and run what is to be run.
Result<std::uint64_t> package(const fs::path& to, const fs::path& ca_file) {
  std::error_code failed;
  const auto program = fs::read_symlink("/proc/self/exe", failed).parent_path() / "tidegate-lambda";
  if (!fs::exists(program, failed)) {
    return fail(Errc::kEnvironment,
                program.string() + " is missing: it belongs beside tidegate; build or copy both");
  }
  TG_TRY(const auto folder, sys::TempDirectory::make(fs::temp_directory_path(failed), "tg-lambda-"));
  constexpr fs::perms kRead = fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;
  constexpr fs::perms kRun = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  TG_CHECK(copy(program, folder.path() / "bootstrap", kRead | kRun));
  app::Paths paths = {"bootstrap"};
  if (!ca_file.empty()) {
    TG_CHECK(copy(ca_file, folder.path() / "ca.pem", kRead));
    paths.emplace_back("ca.pem");
  }
  TG_CHECK(app::make_archive(folder.path(), paths, app::ArchiveForm::kZip, to));
  const auto size = fs::file_size(to, failed);
  if (failed) return fail(Errc::kEnvironment, to.string() + ": " + failed.message());
  return static_cast<std::uint64_t>(size);
}

}  // namespace

void add_lambda_command(CLI::App& app, Action& action) {
  auto* lambda = app.add_subcommand("lambda", "An AWS Lambda function that forwards events");
  lambda->require_subcommand(1);
  auto* sub = lambda->add_subcommand("package", "Write the function's zip (runtime provided.al2023, x86_64)");
  sub->footer(
      "Environment of the function: TIDEGATE_HOOK_URL and TIDEGATE_HOOK_TOKEN, or GITLAB_TRIGGER_URL,\n"
      "GITLAB_TRIGGER_TOKEN and GITLAB_REF.\nExample:\n  tidegate lambda package -o function.zip");
  auto to = std::make_shared<std::string>();
  auto ca = std::make_shared<std::string>();
  sub->add_option("-o,--output", *to, "Where to")->required();
  sub->add_option("--ca-file", *ca, "Certificate authority of the server (default: the runtime's bundle)");
  sub->callback([&action, to, ca] {
    action = [to, ca] {
      const auto size = package(*to, *ca);
      if (!size) {
        fmt::print(stderr, "tidegate: {}\n", size.error().message);
        return exit_code_of(size.error().code);
      }
      fmt::print(stderr, "{}: {} bytes\n", *to, *size);
      return kGood;
    };
  });
}

}  // namespace tidegate::main
