// Two tables from whoever may upload data, with a NUL between them: read and judged, whatever the bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/neo4j/csv.h"
#include "adapters/neo4j/curriculum.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// What was read, written again, reads as the same.
void check_round_trip(std::string_view text) {
  tidegate::neo4j::CsvReader reader(text);
  std::vector<std::string> fields, again;
  std::size_t before = 0;
  for (;;) {
    const auto more = reader.next(fields);
    if (!more || !*more) return;
    require(reader.line() > before);
    before = reader.line();
    std::string record;
    for (const auto& field : fields) {
      if (!record.empty()) record += ',';
      record += '"';
      for (const char c : field) record += c == '"' ? std::string("\"\"") : std::string(1, c);
      record += '"';
    }
    tidegate::neo4j::CsvReader copy(record);
    const auto same = copy.next(again);
    require(same && *same && again == fields);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto split = std::min(text.find('\0'), text.size());
  const auto nodes = text.substr(0, split);
  const auto edges = text.substr(std::min(split + 1, text.size()));
  check_round_trip(nodes);
  const auto curriculum = tidegate::neo4j::parse_curriculum_csv(nodes, edges);
  if (!curriculum) return 0;
  require(curriculum->problems.size() <= 201);
  require(tidegate::release::validate(curriculum->graph).size() <= 201);
  return 0;
}
