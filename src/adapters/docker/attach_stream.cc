#include "adapters/docker/attach_stream.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::docker {

namespace {

constexpr std::size_t kLargestHead = 64U << 10U;
constexpr int kAnswerMillis = 30'000;

Result<sys::UniqueFd> connect(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) {
    return fail(Errc::kInvalid, fmt::format("the path of the socket {} is too long", socket.native()));
  }
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return sys::errno_error("socket", errno);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Errc::kUnavailable, fmt::format("connect to {}: {}", socket.native(), std::strerror(errno)));
  }
  return fd;
}

}  // namespace

Result<AttachStream> AttachStream::open(const std::filesystem::path& socket, const std::string& target) {
  TG_TRY(sys::UniqueFd fd, connect(socket));
  const std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
      target);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return sys::errno_error("attach", errno);
  }
  AttachStream stream(std::move(fd));
  TG_CHECK(stream.read_answer());
  return stream;
}

Status AttachStream::read_answer() {
  std::size_t end = std::string::npos;
  while ((end = early_.find("\r\n\r\n")) == std::string::npos) {
    pollfd watched{fd_.get(), POLLIN, 0};
    std::array<char, 4096> block{};
    const int ready = ::poll(&watched, 1, kAnswerMillis);
    const ssize_t n = ready > 0 ? ::recv(fd_.get(), block.data(), block.size(), 0) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (n <= 0 || early_.size() > kLargestHead) {
      return fail(Errc::kUnavailable, "attach: the engine did not answer");
    }
    early_.append(block.data(), static_cast<std::size_t>(n));
  }
  const std::string_view head = std::string_view(early_).substr(0, end);
  const bool ok = head.starts_with("HTTP/1.1 101") || head.starts_with("HTTP/1.1 200");
  if (!ok) return fail(Errc::kFailed, fmt::format("attach: {}", printable(head.substr(0, head.find('\r')))));
  early_.erase(0, end + 4);
  return {};
}

Result<AttachStream::Event> AttachStream::next(Millis tick, const StreamDemux::OnBytes& on_bytes) {
  std::array<char, 65536> block{};
  std::string_view bytes;
  const std::string early = std::exchange(early_, {});
  if (early.empty()) {
    pollfd watched{fd_.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(tick.count())) <= 0) return Event::kQuiet;
    const ssize_t n = ::recv(fd_.get(), block.data(), block.size(), 0);
    if (n < 0 && errno == EINTR) return Event::kQuiet;
    if (n <= 0) return Event::kEnd;
    bytes = {block.data(), static_cast<std::size_t>(n)};
  } else {
    bytes = early;
  }
  if (!demux_.feed(bytes, on_bytes))
    return fail(Errc::kInternal, "attach: the engine's stream makes no sense");
  return Event::kOutput;
}

}  // namespace tidegate::docker
