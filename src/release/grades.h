// Which grades an element of a curriculum is for: from a grade, a band, or a Korean achievement standard's
// code.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "release/graph.h"

namespace tidegate::release {

/// Both ends included; kindergarten is 0, what comes before it -1.
struct Grades {
  int first = 0;
  int last = 0;
  friend bool operator==(const Grades&, const Grades&) = default;
};

/// "7", "07", "7-9", "7~9학년군", "K", "KG", "PK". Nothing: it cannot be read as grades.
std::optional<Grades> parse_grades(std::string_view text);

/// The band whose highest grade is `last`: with 2, 4, 6, 9 the band 9 is grades 7 to 9. A number that names
/// no band is one grade.
Grades band_of(int last, const std::vector<int>& bands);

/// From "[9수01-01]", "9수01-01", "[10공수1-01-01]": the number in front of a Hangul syllable names the band.
/// Source: the codes of Korea's national curriculum, [band][subject][area]-[number].
std::optional<Grades> grades_of_code(std::string_view code, const std::vector<int>& bands);

/// What a node says of itself: "grade_band" (a band), "grade", "grade_level" or "education_level" (grades, or
/// a list of them), or else its "code".
std::optional<Grades> grades_of(const GraphNode& node, const std::vector<int>& bands);

/// "grade 5", "grades 7 to 9".
std::string to_string(const Grades& grades);

}  // namespace tidegate::release
