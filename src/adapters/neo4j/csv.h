// Comma-separated values, as RFC 4180 has them and as spreadsheets write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::neo4j {

/// Reads one record after another. A byte order mark is skipped; lines end with LF or CRLF; a quoted field
/// may hold commas, quotes written twice, and line ends. Empty lines are skipped.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  /// False at the end. kInvalid with the line: text after a closing quote, a quote inside a bare field, a
  /// quoted field that does not end, NUL, or bytes that are not UTF-8. After an error there is nothing more
  /// to read.
  Result<bool> next(std::vector<std::string>& fields);

  /// Where the record that was read last begins, counted from 1.
  std::size_t line() const { return record_line_; }

 private:
  Result<std::string> field();
  Result<std::string> quoted_field();
  bool take_line_end();
  Error at_line(std::size_t line, std::string_view what);

  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t record_line_ = 0;
};

}  // namespace tidegate::neo4j
