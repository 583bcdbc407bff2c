#include "adapters/neo4j/csv.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::neo4j {

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (rest_.starts_with(kMark)) rest_.remove_prefix(kMark.size());
}

Error CsvReader::at_line(std::size_t line, std::string_view what) {
  rest_ = {};
  return fail(Errc::kInvalid, fmt::format("line {}: {}", line, what));
}

bool CsvReader::take_line_end() {
  const std::size_t length = rest_.starts_with("\r\n") ? 2 : rest_.starts_with('\n') ? 1 : 0;
  rest_.remove_prefix(length);
  line_ += length > 0 ? 1 : 0;
  return length > 0;
}

Result<std::string> CsvReader::quoted_field() {
  const std::size_t begun = line_;
  std::string value;
  rest_.remove_prefix(1);
  for (;;) {
    const auto quote = rest_.find('"');
    if (quote == std::string_view::npos) return at_line(begun, "a quoted field does not end");
    value += rest_.substr(0, quote);
    line_ += static_cast<std::size_t>(std::ranges::count(rest_.substr(0, quote), '\n'));
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) break;
    value += '"';
    rest_.remove_prefix(1);
  }
  const bool ends =
      rest_.empty() || rest_.front() == ',' || rest_.front() == '\n' || rest_.starts_with("\r\n");
  if (!ends) return at_line(line_, "there is text after a closing quote");
  return value;
}

Result<std::string> CsvReader::field() {
  if (rest_.starts_with('"')) return quoted_field();
  auto length = std::min(rest_.find_first_of(",\n\""), rest_.size());
  if (length < rest_.size() && rest_[length] == '"')
    return at_line(line_, "there is a quote inside a field that does not begin with one");
  const bool crlf = length > 0 && length < rest_.size() && rest_[length] == '\n' && rest_[length - 1] == '\r';
  if (crlf) --length;
  std::string value(rest_.substr(0, length));
  rest_.remove_prefix(length);
  if (value.find('\r') != std::string::npos)
    return at_line(line_, "there is a carriage return inside a field");
  return value;
}

Result<bool> CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (take_line_end()) {
  }
  if (rest_.empty()) return false;
  record_line_ = line_;
  for (;;) {
    TG_TRY(auto value, field());
    if (value.find('\0') != std::string::npos) return at_line(record_line_, "there is a NUL byte");
    if (!is_utf8(value)) {
      return at_line(record_line_, "the text is not UTF-8 (spreadsheets call it \"CSV UTF-8\")");
    }
    fields.push_back(std::move(value));
    if (!rest_.starts_with(',')) break;
    rest_.remove_prefix(1);
  }
  take_line_end();
  return true;
}

}  // namespace tidegate::neo4j
