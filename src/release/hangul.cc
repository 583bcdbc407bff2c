#include "release/hangul.h"

#include <cstdint>

namespace tidegate::release {
namespace {

constexpr std::uint32_t kSyllable = 0xAC00;
constexpr std::uint32_t kLead = 0x1100, kLeads = 19;
constexpr std::uint32_t kVowel = 0x1161, kVowels = 21;
constexpr std::uint32_t kTail = 0x11A7, kTails = 28;  // kTail itself: no tail

// The code point of the three bytes at `at`, 0 when there is no such form; all of Hangul has three bytes.
std::uint32_t three_bytes(std::string_view text, std::size_t at) {
  if (at + 3 > text.size()) return 0;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i]));
  };
  if ((byte(0) & 0xF0U) != 0xE0U || (byte(1) & 0xC0U) != 0x80U || (byte(2) & 0xC0U) != 0x80U) return 0;
  return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
}

void put(std::string& out, std::uint32_t code) {
  out += static_cast<char>(0xE0U | code >> 12U);
  out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
  out += static_cast<char>(0x80U | (code & 0x3FU));
}

bool within(std::uint32_t code, std::uint32_t first, std::uint32_t count) {
  return code >= first && code < first + count;
}

bool takes_tail(std::uint32_t code) {
  return within(code, kSyllable, kLeads * kVowels * kTails) && (code - kSyllable) % kTails == 0;
}

}  // namespace

std::string compose_hangul(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    std::uint32_t code = three_bytes(text, i);
    if (code == 0) {
      out += text[i++];
      continue;
    }
    i += 3;
    const std::uint32_t vowel = three_bytes(text, i);
    if (within(code, kLead, kLeads) && within(vowel, kVowel, kVowels)) {
      code = kSyllable + ((code - kLead) * kVowels + (vowel - kVowel)) * kTails;
      i += 3;
    }
    const std::uint32_t tail = three_bytes(text, i);
    if (takes_tail(code) && within(tail, kTail + 1, kTails - 1)) {
      code += tail - kTail;
      i += 3;
    }
    put(out, code);
  }
  return out;
}

}  // namespace tidegate::release
