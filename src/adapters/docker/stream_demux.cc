#include "adapters/docker/stream_demux.h"

#include <algorithm>

namespace tidegate::docker {

bool StreamDemux::feed(std::string_view bytes, const OnBytes& on_bytes) {
  while (!bytes.empty() && !broken_) {
    if (left_ > 0) {
      const std::size_t size = std::min<std::size_t>(left_, bytes.size());
      on_bytes(bytes.substr(0, size));
      bytes.remove_prefix(size);
      left_ -= static_cast<std::uint32_t>(size);
      continue;
    }
    header_[header_size_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (header_size_ < header_.size()) continue;
    header_size_ = 0;
    broken_ = header_[0] > 2 || header_[1] != 0 || header_[2] != 0 || header_[3] != 0;
    left_ = (static_cast<std::uint32_t>(header_[4]) << 24U) |
            (static_cast<std::uint32_t>(header_[5]) << 16U) | (static_cast<std::uint32_t>(header_[6]) << 8U) |
            header_[7];
  }
  return !broken_;
}

}  // namespace tidegate::docker
