// Curriculum JSON: text → value with bounds, then by what is in it to the reader of that form.
#include <algorithm>
#include <new>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/curriculum.h"
#include "adapters/neo4j/json_reader.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;

// Two bytes of "[[[…" can become sixteen in memory; so memory is bounded apart from the text.
class BoundedMemory final : public json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t limit) : left_(limit) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    return ::operator new(bytes, std::align_val_t{align});
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t align) override {
    left_ += bytes;
    ::operator delete(memory, std::align_val_t{align});
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
};

std::string position(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto start = before.rfind('\n');
  const auto column = 1 + offset - (start == std::string_view::npos ? 0 : start + 1);
  return fmt::format("line {}, column {}", line, column);
}

Result<json::value> parse(std::string_view text, const CurriculumLimits& limits,
                          const json::storage_ptr& memory) {
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::stream_parser parser(memory, options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) {
    return fail(Errc::kInvalid, "more text after the end, " + position(text, used));
  }
  if (!error) parser.finish(error);
  if (error) return fail(Errc::kInvalid, "not JSON: " + error.message() + ", " + position(text, used));
  return parser.release();
}

bool has_any(const json::object& object, std::initializer_list<json::string_view> names) {
  return std::ranges::any_of(names, [&](json::string_view name) { return object.contains(name); });
}

Curriculum read(const json::value& root, const CurriculumLimits& limits) {
  JsonReader reader;
  const auto* object = root.if_object();
  const auto shape = [&](std::string message) {
    reader.problem(release::GraphProblem::Kind::kShape, "", std::move(message));
  };
  if (object == nullptr)
    shape(fmt::format("the whole is {}, not an object", kind_name(root)));
  else if (has_any(*object, {"nodes", "edges"}))
    read_plain(reader, *object);
  else if (has_any(*object, {"CFDocument", "CFItems", "CFAssociations"}))
    read_case(reader, *object);
  else if (has_any(*object, {"children"}))
    read_tree(reader, *object);
  else
    shape(
        "there is neither \"nodes\" (nodes and edges), \"CFItems\" (a CASE package) nor \"children\" (a "
        "tree)");
  reader.out.problems = release::bounded(std::move(reader.out.problems), limits.max_problems);
  return std::move(reader.out);
}

}  // namespace

Result<Curriculum> parse_curriculum_json(std::string_view text, const CurriculumLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Errc::kInvalid, fmt::format("{} bytes; at most {}", text.size(), limits.max_bytes));
  }
  BoundedMemory bounded(limits.max_memory);
  try {
    TG_TRY(const auto root, parse(text, limits, json::storage_ptr(&bounded)));
    return read(root, limits);
  } catch (const std::bad_alloc&) {
    return fail(Errc::kInvalid,
                fmt::format("needs more than {} MiB of memory to read", limits.max_memory >> 20U));
  }
}

}  // namespace tidegate::neo4j
