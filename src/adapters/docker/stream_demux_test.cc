#include "adapters/docker/stream_demux.h"

#include <string>

#include <gtest/gtest.h>

namespace tidegate::docker {
namespace {

std::string frame(char stream, const std::string& bytes) {
  std::string header(8, '\0');
  header[0] = stream;
  header[5] = static_cast<char>(bytes.size() >> 16U);
  header[6] = static_cast<char>(bytes.size() >> 8U);
  header[7] = static_cast<char>(bytes.size());
  return header + bytes;
}

TEST(StreamDemux, AnyCutGivesTheSameBytes) {
  const std::string text(70'000, 'x');
  const std::string stream = frame(1, "out\n") + frame(2, "err\n") + frame(1, "") + frame(1, text) +
                             frame(2, std::string("\0\1\2", 3));
  for (const std::size_t chunk : {1UL, 2UL, 7UL, 8UL, 9UL, 4096UL, stream.size()}) {
    StreamDemux demux;
    std::string out;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
      EXPECT_TRUE(demux.feed(stream.substr(at, chunk), [&](std::string_view bytes) { out += bytes; }));
    }
    EXPECT_EQ(out, "out\nerr\n" + text + std::string("\0\1\2", 3)) << chunk;
  }
}

TEST(StreamDemux, WhatIsNoFrameIsRefused) {
  StreamDemux demux;
  std::string out;
  EXPECT_FALSE(demux.feed("HTTP/1.1 500 oh no", [&](std::string_view bytes) { out += bytes; }));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(demux.feed(frame(1, "late"), [&](std::string_view bytes) { out += bytes; }));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace tidegate::docker
