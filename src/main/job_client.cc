// `tidegate` inside a job: a thin static client that asks the server, which holds keys and policy, to do the
// work. It has no dependencies, so that it runs in any image.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char* kHelp = R"(tidegate - ask Tidegate to deliver what this pipeline built and tested

  tidegate deploy TARGET          release this commit's image onto the target's hosts: beside the live release,
                                  flipped as a group, healthy or taken back
  tidegate load GRAPH             load this commit's data into the graph: beside the live version, one step
  tidegate load GRAPH --check     only say whether the data would be accepted

Targets and graphs are named in tidegate.yml. Keys stay with Tidegate; this job's token says which commit it is.
Exit codes: 0 live (or sound), 1 refused, 2 wrong usage, 3 not inside a Tidegate job.
)";

// How long a server that is being restarted, or a part that is down, is waited for.
constexpr auto kPatience = std::chrono::minutes(15);
constexpr auto kPause = std::chrono::seconds(1);
constexpr auto kLongestPause = std::chrono::seconds(15);

struct Call {
  std::string path;
  std::string body;
};

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

std::optional<Call> parse(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || !is_name(arguments[1]) || arguments[1].starts_with('-')) return std::nullopt;
  if (arguments[0] == "deploy" && arguments.size() == 2) {
    return Call{"/api/tidegate/v1/job/deploy", "target=" + arguments[1]};
  }
  if (arguments[0] != "load") return std::nullopt;
  if (arguments.size() == 2) return Call{"/api/tidegate/v1/job/load", "target=" + arguments[1]};
  if (arguments.size() == 3 && arguments[2] == "--check") {
    return Call{"/api/tidegate/v1/job/load", "target=" + arguments[1] + "&check=true"};
  }
  return std::nullopt;
}

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Takes the chunked body apart as it comes and hands over whole lines.
class Lines {
 public:
  // False when the stream is not what we expect.
  bool feed(std::string_view bytes) {
    raw_ += bytes;
    if (!in_body_) {
      const std::size_t end = raw_.find("\r\n\r\n");
      if (end == std::string::npos) return raw_.size() < 65536;
      good_ = raw_.starts_with("HTTP/1.1 200") || raw_.starts_with("HTTP/1.0 200");
      chunked_ = raw_.find("chunked") < end;
      raw_.erase(0, end + 4);
      in_body_ = true;
    }
    return chunked_ ? take_chunks() : take_rest();
  }
  std::optional<int> exit_code() const { return exit_code_; }
  // The answer came to its end, with or without an exit code.
  bool whole() const { return whole_; }
  // A whole answer that is no stream: an error of the server as JSON.
  bool good() const { return good_; }
  const std::string& text() const { return text_; }

 private:
  bool take_rest() {
    add(raw_);
    raw_.clear();
    return true;
  }
  bool take_chunks() {
    while (true) {
      const std::size_t end = raw_.find("\r\n");
      if (end == std::string::npos) return true;
      char* stop = nullptr;
      const unsigned long size = std::strtoul(raw_.c_str(), &stop, 16);
      if (stop == raw_.c_str() || size > (1UL << 24U)) return false;
      if (size == 0) return whole_ = true;
      if (raw_.size() < end + 2 + size + 2) return true;
      add(std::string_view(raw_).substr(end + 2, size));
      raw_.erase(0, end + 2 + size + 2);
    }
  }
  void add(std::string_view bytes) {
    text_ += bytes;
    if (!good_) return;
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      if (line.starts_with("::exit ")) {
        exit_code_ = std::atoi(line.c_str() + 7);
      } else {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
      }
    }
  }

  std::string raw_;
  std::string text_;
  bool in_body_ = false;
  bool chunked_ = false;
  bool whole_ = false;
  bool good_ = true;
  std::optional<int> exit_code_;
};

struct Answer {
  std::optional<int> exit_code;
  bool not_now = false;  // the server has said why it cannot be done at the moment
};

// One try. Neither an exit code nor "not now": the server went away before it gave one.
Answer ask(const std::string& socket, const std::string& token, const Call& call) {
  const int fd = connect_to(socket);
  if (fd < 0) return {};
  const std::string request = "POST " + call.path + " HTTP/1.1\r\nHost: tidegate\r\nJOB-TOKEN: " + token +
                              "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                              std::to_string(call.body.size()) + "\r\nConnection: close\r\n\r\n" + call.body;
  Lines lines;
  std::vector<char> buffer(65536);
  bool sound = send_all(fd, request);
  while (sound) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    sound = lines.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
  ::close(fd);
  if (!lines.good()) {
    std::printf("tidegate: %s\n", lines.text().c_str());
    return {1};
  }
  return {lines.exit_code(), lines.whole()};
}

int ask_until_told(const std::string& socket, const std::string& token, const Call& call) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  auto pause = kPause;
  while (std::chrono::steady_clock::now() < until) {
    const Answer answer = ask(socket, token, call);
    if (answer.exit_code) return *answer.exit_code;
    // A server is back soon; another part may take longer, and each try is work for the others.
    if (!answer.not_now) pause = kPause;
    std::printf("tidegate: %s; trying again in %d s\n",
                answer.not_now ? "not possible now" : "the server does not answer",
                static_cast<int>(pause.count()));
    std::fflush(stdout);
    std::this_thread::sleep_for(pause);
    if (answer.not_now) pause = std::min(pause * 2, kLongestPause);
  }
  std::puts("tidegate: gave up");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto call = parse(arguments);
  if (!call) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  const char* socket = std::getenv("TIDEGATE_JOB_SOCKET");
  const char* token = std::getenv("CI_JOB_TOKEN");
  if (socket == nullptr || token == nullptr) {
    std::fputs(
        "tidegate: this works inside a job of a Tidegate server only (TIDEGATE_JOB_SOCKET and CI_JOB_TOKEN "
        "are not set)\n",
        stderr);
    return 3;
  }
  return ask_until_told(socket, token, *call);
}
