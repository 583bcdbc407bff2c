// Any bytes as a pipeline file, an included file and tidegate.yml: nothing may crash, hang or grow without
// end, what is refused must say why, and what is written out must read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/project_file.h"
#include "config/yaml.h"
#include "pipeline/lints/lint.h"

namespace {

using namespace tidegate::config;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool same(const yaml::Node& a, const yaml::Node& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size())
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(*a.items[i], *b.items[i])) return false;
  for (std::size_t i = 0; i < a.entries.size(); ++i)
    if (a.entries[i].key != b.entries[i].key || !same(*a.entries[i].value, *b.entries[i].value)) return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Sources sources;
  sources.read = [&](const std::string& path) -> std::optional<std::string> {
    if (path == "self.yml") return std::string(text);
    if (path == "small.yml") return "small: {script: x}\n";
    return std::nullopt;
  };
  sources.list = [] { return std::vector<std::string>{"self.yml", "small.yml", "a/b.yml"}; };

  const Loaded loaded = load(text, ".gitlab-ci.yml", sources);
  require(loaded.definition.has_value() != has_errors(loaded.diagnostics),
          "a definition, or errors that say why");
  Diagnostics advice = tidegate::pipeline::lints::lint(loaded, sources);
  require(!has_errors(advice), "advice refuses nothing");
  tidegate::pipeline::lints::drop_disabled(advice, {"image-latest"}, sources);

  const yaml::Parsed parsed = yaml::parse(text, "f");
  if (!has_errors(parsed.diagnostics) && !parsed.documents.empty() && parsed.documents[0]->weight < 20'000) {
    const yaml::Parsed again = yaml::parse(yaml::emit(*parsed.documents[0]), "f");
    require(!has_errors(again.diagnostics) && again.documents.size() == 1, "what is emitted can be read");
    require(same(*parsed.documents[0], *again.documents[0]), "what is emitted reads back the same");
  }
  load_project_file(text);
  return 0;
}
