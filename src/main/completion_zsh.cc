#include <fmt/core.h>

#include "base/text.h"
#include "main/completion.h"

namespace tidegate::main {
namespace {

// Within [...] of a specification of _arguments.
std::string help_text(const std::string& text) {
  return replace_all(replace_all(replace_all(replace_all(text, "\\", "\\\\"), "[", "\\["), "]", "\\]"), ":",
                     "\\:");
}

std::string zsh_offer(const CompletionValue& value) {
  if (!value.words.empty()) return fmt::format("({})", join(value.words, " "));
  if (value.name == "JOB") return "_tidegate_jobs";
  if (value.name == "DIR") return "_files -/";
  if (value.name.ends_with("FILE") || value.name == "PATH") return "_files";
  return " ";
}

// "_tidegate_data_list"
std::string function_of(const std::string& path) {
  return "_tidegate" + (path.empty() ? "" : "_" + replace_all(path, " ", "_"));
}

std::string options_of(const CompletionCommand& command) {
  std::string out;
  for (const CompletionOption& option : command.options) {
    for (const std::string& name : option.names) {
      std::string spec = name;
      if (!option.value.name.empty()) spec = "*" + name + (name.starts_with("--") ? "=" : "+");
      spec += "[" + help_text(option.help) + "]";
      if (!option.value.name.empty())
        spec += fmt::format(":{}:{}", option.value.name, zsh_offer(option.value));
      out += " \\\n    " + shell_quote(spec);
    }
  }
  return out;
}

void add_leaf(std::string& out, const CompletionCommand& command, const std::string& path) {
  out += fmt::format("{}() {{\n  _arguments -s -S{}", function_of(path), options_of(command));
  for (const CompletionValue& argument : command.arguments)
    out += " \\\n    " + shell_quote(fmt::format("*:{}:{}", argument.name, zsh_offer(argument)));
  out += "\n}\n\n";
}

void add_command(std::string& out, const CompletionCommand& command, const std::string& path) {
  if (command.commands.empty()) {
    add_leaf(out, command, path);
    return;
  }
  std::string list;
  std::string calls;
  for (const CompletionCommand& below : command.commands) {
    const std::string whole = path.empty() ? below.name : path + " " + below.name;
    list += "\n        " + shell_quote(below.name + ":" + replace_all(below.help, ":", "\\:"));
    calls += fmt::format("        {}) {} ;;\n", below.name, function_of(whole));
    add_command(out, below, whole);
  }
  out += fmt::format(
      "{}() {{\n  local state line\n{}  _arguments -C{} \\\n    '1: :->command' \\\n    '*:: :->rest'\n"
      "  case $state in\n    command)\n      local -a commands=({})\n      _describe command commands ;;\n"
      "    rest)\n      case $line[1] in\n{}      esac ;;\n  esac\n}}\n\n",
      function_of(path), path.empty() ? "  local _tidegate_program=$words[1]\n" : "", options_of(command),
      list, calls);
}

constexpr std::string_view kJobs = R"sh(_tidegate_jobs() {
  local -a jobs context
  local i
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      -C|--directory|--file|--ref) context+=($words[i] "${(Q)words[i+1]}") ;;
      --directory=*|--file=*|--ref=*) context+=("${(Q)words[i]}") ;;
    esac
  done
  jobs=("${(@f)$($_tidegate_program list --names $context 2>/dev/null)}")
  jobs=(${jobs:#})
  compadd -a jobs
}

)sh";

}  // namespace

std::string zsh_completion(const CompletionCommand& program) {
  std::string out =
      "#compdef tidegate\n# Completion of tidegate for zsh; made by `tidegate completion zsh`.\n\n";
  out += kJobs;
  add_command(out, program, "");
  return out +
         "if [[ $funcstack[1] == _tidegate ]]; then\n  _tidegate \"$@\"\nelse\n  compdef _tidegate "
         "tidegate\nfi\n";
}

}  // namespace tidegate::main
