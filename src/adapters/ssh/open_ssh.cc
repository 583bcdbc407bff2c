#include "adapters/ssh/open_ssh.h"

#include <fmt/core.h>

#include "adapters/ssh/ssh_url.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::ssh {
namespace fs = std::filesystem;
namespace {

constexpr int kConnectionLost = 255;  // ssh(1), "EXIT STATUS"
constexpr std::size_t kMaxOutput = 64U << 20U;
// A socket's name has 107 bytes (unix(7)), and ssh adds 17 of its own while it makes one.
constexpr std::size_t kMaxControlDir = 70;

void append(std::string& to, std::string_view bytes) {
  to.append(bytes.substr(0, kMaxOutput - std::min(kMaxOutput, to.size())));
}

std::string last_lines(std::string_view text) {
  auto lines = split(trim(text), '\n');
  if (lines.size() > 3) lines.erase(lines.begin(), lines.end() - 3);
  for (auto& line : lines) line = printable(trim(line), 400);
  return join(lines, "; ");
}

Error lost(const std::string& host, std::string_view words) {
  const bool refused = words.find("Permission denied") != std::string_view::npos ||
                       words.find("Host key verification failed") != std::string_view::npos ||
                       words.find("Too many authentication failures") != std::string_view::npos;
  const auto said = last_lines(words);
  return fail(refused ? Errc::kDenied : Errc::kUnavailable,
              fmt::format("ssh to {}: {}", host, said.empty() ? "the connection was lost" : said));
}

// What the exit of the ssh client says, when it is not the script's own exit.
Status check_exit(const std::string& host, const sys::Command& command, const sys::Exit& exit,
                  std::string_view err) {
  if (exit.stopped) return fail(Errc::kCanceled, fmt::format("ssh to {}: stopped", host));
  if (exit.timed_out)
    return fail(Errc::kUnavailable, fmt::format("ssh to {}: no end after {}; it may still run there", host,
                                                format_duration(command.timeout.value_or(Millis{0}))));
  if (exit.signal || exit.exit_code == kConnectionLost) return lost(host, err);
  return {};
}

class Host final : public app::TargetHost {
 public:
  Host(SshUrl url, std::string socket, const Settings& settings)
      : url_(std::move(url)), socket_(std::move(socket)), settings_(settings) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() override { leave(); }

  std::string name() const override { return url_.host; }

  Result<app::RemoteResult> run(const std::string& script, const std::vector<std::string>& arguments,
                                Millis timeout, const sys::StopFlag* stop,
                                const std::function<void(std::string_view)>& on_output) override {
    std::string remote = "sh -s --";
    for (const auto& argument : arguments) remote += " " + shell_quote(argument);
    sys::Command command;
    command.argv = ssh(remote);
    // One compound command: a script of which only a part arrives does nothing, and no program in it can read
    // the rest of it as its input.
    command.input = "{\n" + script + "\n} </dev/null\n";
    command.timeout = timeout;
    app::RemoteResult result;
    TG_TRY(const auto exit, sys::run_streaming(
                                command,
                                [&](std::string_view bytes) {
                                  append(result.out, bytes);
                                  if (on_output) on_output(bytes);
                                },
                                [&](std::string_view bytes) { append(result.err, bytes); }, stop));
    TG_CHECK(check_exit(name(), command, exit, result.err));
    result.exit_code = exit.exit_code;
    return result;
  }

  // tar to tar. The shell between them gets names as arguments, never as text to read.
  Status upload(const fs::path& local, const std::string& remote_directory,
                const sys::StopFlag* stop) override {
    TG_TRY(const auto scratch, sys::TempDirectory::make(settings_.control_dir, "u"));
    const fs::path tar_exit = scratch.path() / "exit";
    sys::Command command;
    command.argv = {"sh",
                    "-c",
                    R"(dir=$1 status=$2; shift 2
{ tar -C "$dir" --owner=0 --group=0 --numeric-owner -cf - .; echo $? >"$status"; } | "$@")",
                    "sh",
                    local.string(),
                    tar_exit.string()};
    const auto receive =
        ssh("sh -c " + shell_quote(R"(mkdir -p -- "$1" && exec tar -C "$1" --no-same-owner -xpf -)") +
            " sh " + shell_quote(remote_directory));
    command.argv.insert(command.argv.end(), receive.begin(), receive.end());
    command.timeout = std::chrono::minutes(30);
    TG_TRY(const auto result, sys::run(command, stop));
    TG_CHECK(check_exit(name(), command, result.exit, result.err));
    if (!result.exit.ok())
      return fail(Errc::kFailed,
                  fmt::format("upload to {}:{}: {}", name(), remote_directory, last_lines(result.err)));
    TG_TRY(const auto sent, sys::read_file(tar_exit));
    if (trim(sent) != "0")
      return fail(Errc::kFailed, fmt::format("upload to {}: reading {}: {}", name(), local.string(),
                                             last_lines(result.err)));
    return {};
  }

  Status enter(const sys::StopFlag* stop) {
    sys::Command command;
    command.argv = ssh("true");
    command.timeout = settings_.connect_timeout * 2;
    TG_TRY(const auto result, sys::run(command, stop));
    TG_CHECK(check_exit(name(), command, result.exit, result.err));
    if (!result.exit.ok())
      return fail(Errc::kDenied, fmt::format("ssh to {}: logged in, but no command can be run: {}", name(),
                                             last_lines(result.err)));
    return {};
  }

 private:
  std::vector<std::string> ssh(const std::string& remote_command) const {
    std::vector<std::string> argv = {"ssh"};
    if (!settings_.config_file.empty()) argv.insert(argv.end(), {"-F", settings_.config_file.string()});
    const auto option = [&](const std::string& text) { argv.insert(argv.end(), {"-o", text}); };
    option("BatchMode=yes");
    option(
        fmt::format("ConnectTimeout={}", std::max<Millis::rep>(1, settings_.connect_timeout.count() / 1000)));
    option("ServerAliveInterval=5");
    option("ServerAliveCountMax=3");
    option("ControlMaster=auto");
    option("ControlPath=" + replace_all(socket_, "%", "%%"));
    option("ControlPersist=120");
    // Of a person's settings for the same host we want the way there, not what it does on arrival.
    option("ClearAllForwardings=yes");
    option("ForwardAgent=no");
    option("RemoteCommand=none");
    option("PermitLocalCommand=no");
    option("RequestTTY=no");
    if (url_.port != 0) argv.insert(argv.end(), {"-p", fmt::format("{}", url_.port)});
    if (!url_.user.empty()) argv.insert(argv.end(), {"-l", url_.user});
    argv.insert(argv.end(), {"--", url_.host, remote_command});
    return argv;
  }

  void leave() {
    sys::Command command;
    command.argv = {"ssh", "-o",     "ControlPath=" + replace_all(socket_, "%", "%%"), "-O", "exit",
                    "--",  url_.host};
    command.timeout = Millis{5000};
    // There may be no connection any more; then there is nothing to end.
    [[maybe_unused]] const auto ended = sys::run(command);
  }

  SshUrl url_;
  std::string socket_;
  Settings settings_;
};

}  // namespace

Result<std::unique_ptr<app::TargetHost>> OpenSsh::connect(const std::string& url, const sys::StopFlag* stop) {
  TG_TRY(auto parsed, parse_ssh_url(url));
  if (settings_.control_dir.native().size() > kMaxControlDir)
    return fail(Errc::kEnvironment, fmt::format("{} is too long for ssh's sockets (at most {} characters)",
                                                settings_.control_dir.string(), kMaxControlDir));
  TG_CHECK(sys::make_directories(settings_.control_dir));
  std::error_code error;
  fs::permissions(settings_.control_dir, fs::perms::owner_all, error);
  if (error) return sys::errno_error("chmod " + settings_.control_dir.string(), error.value());
  auto host =
      std::make_unique<Host>(std::move(parsed), (settings_.control_dir / random_hex(4)).string(), settings_);
  TG_CHECK(host->enter(stop));
  return std::unique_ptr<app::TargetHost>(std::move(host));
}

}  // namespace tidegate::ssh
