// Keywords of `include` and of the header document `spec`.
#include <array>

#include "config/keywords.h"

namespace tidegate::config {
namespace {

constexpr auto kInclude = std::to_array<Keyword>({
    {"local"},
    {"remote"},
    {"project"},
    {"file"},
    {"ref"},
    {"template"},
    {"component"},
    {"artifact"},
    {"job"},
    {"integrity"},
    {"inputs"},
    {"rules"},
    {"cache"},
});

constexpr auto kIncludeRule = std::to_array<Keyword>({{"if"}, {"changes"}, {"exists"}, {"when"}});

constexpr auto kHeader = std::to_array<Keyword>({{"spec"}});

constexpr auto kSpec = std::to_array<Keyword>({{"inputs"}, {"include"}, {"component"}, {"description"}});

constexpr auto kSpecInclude =
    std::to_array<Keyword>({{"local"}, {"remote"}, {"project"}, {"file"}, {"ref"}, {"integrity"}});

constexpr auto kSpecInput = std::to_array<Keyword>({
    {"type"},
    {"default"},
    {"description"},
    {"options"},
    {"regex"},
    {"rules"},
});

constexpr auto kSpecInputRule = std::to_array<Keyword>({{"if"}, {"options"}, {"default"}});

}  // namespace

Keywords include_keywords() {
  return kInclude;
}
Keywords include_rule_keywords() {
  return kIncludeRule;
}
Keywords header_keywords() {
  return kHeader;
}
Keywords spec_keywords() {
  return kSpec;
}
Keywords spec_include_keywords() {
  return kSpecInclude;
}
Keywords spec_input_keywords() {
  return kSpecInput;
}
Keywords spec_input_rule_keywords() {
  return kSpecInputRule;
}

}  // namespace tidegate::config
