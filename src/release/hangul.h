// Hangul in one spelling: macOS writes file names, and with them many texts, as single letters (NFD), all
// others as syllables (NFC). Both look the same.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::release {

/// Conjoining letters as syllables, all other bytes as they are. Source: The Unicode Standard,
/// section 3.12.3, "Hangul Syllable Composition".
std::string compose_hangul(std::string_view text);

}  // namespace tidegate::release
