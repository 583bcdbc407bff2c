// LogMasker: takes secrets out of a stream of bytes, however the stream is cut.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::app {

/// Every byte that belongs to an occurrence of a secret is hidden; occurrences that overlap become one
/// `[MASKED]`. The output depends on the bytes only, never on where the input was cut (Aho–Corasick, so each
/// byte is looked at a constant number of times, however many secrets there are). One object per log; not
/// for use from two threads.
class LogMasker {
 public:
  /// The base64 form of each secret is hidden too: `echo $TOKEN | base64` is the commonest leak. Empty
  /// secrets are ignored.
  explicit LogMasker(const std::vector<std::string>& secrets);

  /// What may be shown by now. Only bytes that may be the beginning of a secret are held back.
  std::string feed(std::string_view bytes);

  /// The end of the stream: what was held back. The object may be fed again as a new stream.
  std::string finish();

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::uint32_t>> children;
    std::uint32_t fail = 0;
    std::uint32_t depth = 0;
    std::uint32_t longest = 0;  ///< length of the longest secret that ends here
  };
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };

  void add_pattern(std::string_view pattern);
  void link_failures();
  std::uint32_t child(std::uint32_t node, unsigned char byte) const;
  std::uint32_t step(std::uint32_t node, unsigned char byte) const;
  void add_match(std::uint64_t begin, std::uint64_t end);
  void emit_until(std::uint64_t boundary, std::string& out);

  std::vector<Node> nodes_;
  std::array<std::uint32_t, 256> root_{};  ///< dense, because most bytes of a log are seen from the root
  std::uint32_t state_ = 0;
  std::string held_;        ///< bytes from base_ on
  std::uint64_t base_ = 0;  ///< offset in the stream of held_'s first byte
  std::vector<Range> matches_;
};

}  // namespace tidegate::app
