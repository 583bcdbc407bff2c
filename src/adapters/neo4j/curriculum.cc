#include "adapters/neo4j/curriculum.h"

#include <memory>
#include <new>
#include <optional>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::neo4j {
namespace {

constexpr int kMaxMembers = 1000;

struct CloseArchive {
  void operator()(::archive* reader) const { archive_read_free(reader); }
};
using Archive = std::unique_ptr<::archive, CloseArchive>;

std::string archive_error(::archive* reader) {
  const char* text = archive_error_string(reader);
  return printable(text != nullptr ? text : "unknown error", 200);
}

// macOS puts "__MACOSX/._nodes.csv" beside the file itself.
std::string_view table_of(std::string_view path) {
  const auto slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return name == "nodes.csv" || name == "edges.csv" ? name : std::string_view();
}

Result<std::string> read_member(::archive* reader, std::size_t max) {
  std::string text;
  std::string block(64U << 10U, '\0');
  for (;;) {
    const auto got = archive_read_data(reader, block.data(), block.size());
    if (got < 0) return fail(Errc::kInvalid, archive_error(reader));
    if (got == 0) return text;
    if (static_cast<std::size_t>(got) > max - text.size())
      return fail(Errc::kInvalid, "unpacked, the tables are larger than allowed");
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

struct Tables {
  std::optional<std::string> nodes, edges;
};

Result<Tables> unpack(std::string_view bytes, std::size_t max_bytes) {
  const Archive reader(archive_read_new());
  // By its directory, which is at the end: a half-written archive has none.
  archive_read_support_format_zip_seekable(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return fail(Errc::kInvalid, archive_error(reader.get()));
  Tables tables;
  for (int members = 0;; ++members) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return tables;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      return fail(Errc::kInvalid, archive_error(reader.get()));
    if (members == kMaxMembers)
      return fail(Errc::kInvalid, fmt::format("there are more than {} members", kMaxMembers));
    const char* path = archive_entry_pathname(entry);
    const auto table = table_of(path != nullptr ? path : "");
    if (table.empty()) continue;
    auto& slot = table == "nodes.csv" ? tables.nodes : tables.edges;
    if (slot) return fail(Errc::kInvalid, fmt::format("there are two members {}", table));
    const std::size_t used =
        (tables.nodes ? tables.nodes->size() : 0) + (tables.edges ? tables.edges->size() : 0);
    auto text = read_member(reader.get(), max_bytes - used);
    if (!text) return with_context(table, std::move(text).error());
    slot = *std::move(text);
  }
}

Result<Curriculum> parse_zip(std::string_view bytes, const CurriculumLimits& limits) {
  auto tables = unpack(bytes, limits.max_bytes);
  if (!tables) return with_context("zip archive", std::move(tables).error());
  if (!tables->nodes || !tables->edges) {
    return fail(Errc::kInvalid,
                fmt::format("zip archive: there is no member {}", tables->nodes ? "edges.csv" : "nodes.csv"));
  }
  return parse_curriculum_csv(*tables->nodes, *tables->edges, limits);
}

}  // namespace

Result<Curriculum> parse_curriculum(std::string_view bytes, const CurriculumLimits& limits) {
  if (bytes.size() > limits.max_bytes)
    return fail(Errc::kInvalid, fmt::format("{} bytes; at most {}", bytes.size(), limits.max_bytes));
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return parse_zip(bytes, limits);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const auto text = trim(bytes);
  if (text.empty()) return fail(Errc::kInvalid, "the file is empty");
  if (text.front() != '{' && text.front() != '[') {
    return fail(
        Errc::kInvalid,
        fmt::format("the file begins with \"{}\": it is neither JSON nor a zip archive with nodes.csv "
                    "and edges.csv",
                    printable(text.substr(0, 20), 20)));
  }
  return parse_curriculum_json(bytes, limits);
}

}  // namespace tidegate::neo4j
