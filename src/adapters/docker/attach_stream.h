// A container's output while it runs: the one exchange with the Engine that is no request and answer.
#pragma once

#include <filesystem>
#include <string>

#include "adapters/docker/stream_demux.h"
#include "base/result.h"
#include "base/time.h"
#include "sys/unique_fd.h"

namespace tidegate::docker {

/// Attached before the container is started, so that not one byte is missed, and independent of the Engine's
/// log driver, which may drop or rotate. Not for use from two threads.
class AttachStream {
 public:
  /// `target` is the path and query of the attach call. kUnavailable: no connection; kFailed: refused.
  static Result<AttachStream> open(const std::filesystem::path& socket, const std::string& target);

  enum class Event : unsigned char { kOutput, kQuiet, kEnd };
  /// Waits at most `tick` for output. kEnd: the container has ended, or the connection broke.
  Result<Event> next(Millis tick, const StreamDemux::OnBytes& on_bytes);

 private:
  explicit AttachStream(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  Status read_answer();

  sys::UniqueFd fd_;
  std::string early_;  ///< output that came together with the answer's head
  StreamDemux demux_;
};

}  // namespace tidegate::docker
