// The frames in which the Engine sends a container's output.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace tidegate::docker {

/// Takes the frames apart, however the stream is cut. Both streams (stdout 1, stderr 2) go to one receiver.
/// Source: Engine API, "Attach to a container", stream format: 8 bytes {type, 0, 0, 0, size (big-endian)},
/// then `size` bytes.
class StreamDemux {
 public:
  using OnBytes = std::function<void(std::string_view)>;

  /// False when the bytes are no frames: nothing more will be understood.
  bool feed(std::string_view bytes, const OnBytes& on_bytes);

 private:
  std::array<unsigned char, 8> header_{};
  std::size_t header_size_ = 0;
  std::uint32_t left_ = 0;
  bool broken_ = false;
};

}  // namespace tidegate::docker
