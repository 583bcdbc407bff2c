#include <fmt/core.h>

#include "base/text.h"
#include "main/completion.h"

namespace tidegate::main {
namespace {

// What the scripts below are asked by: one line of a `case` for each command and option.
struct Tables {
  std::string commands, options, values, arguments;
};

// "@job", "@file", "@dir", the words, or "@any".
std::string bash_offer(const CompletionValue& value) {
  if (!value.words.empty()) return join(value.words, " ");
  if (value.name == "JOB") return "@job";
  if (value.name == "DIR") return "@dir";
  if (value.name.ends_with("FILE") || value.name == "PATH") return "@file";
  return "@any";
}

void fill(Tables& tables, const CompletionCommand& command, const std::string& path) {
  std::vector<std::string> names;
  std::vector<std::string> options;
  for (const CompletionCommand& below : command.commands) names.push_back(below.name);
  if (!names.empty()) tables.commands += fmt::format("    '{}') echo '{}' ;;\n", path, join(names, " "));
  for (const CompletionOption& option : command.options) {
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      options.push_back(name);
      patterns.push_back(shell_quote(path + " " + name));
    }
    if (!option.value.name.empty())
      tables.values +=
          fmt::format("    {}) echo {} ;;\n", join(patterns, "|"), shell_quote(bash_offer(option.value)));
  }
  tables.options += fmt::format("    '{}') echo '{}' ;;\n", path, join(options, " "));
  if (!command.arguments.empty())
    tables.arguments +=
        fmt::format("    '{}') echo {} ;;\n", path, shell_quote(bash_offer(command.arguments.front())));
  for (const CompletionCommand& below : command.commands)
    fill(tables, below, path.empty() ? below.name : path + " " + below.name);
}

// $1: a command's path ("data list"), or that and an option; nothing is said when there is nothing to offer.
std::string question(const std::string& name, const std::string& cases) {
  return fmt::format("_tidegate_{}() {{\n  case $1 in\n{}    *) return 1 ;;\n  esac\n}}\n\n", name, cases);
}

constexpr std::string_view kBody =
    R"sh(# Words of the line up to the cursor. Bash cuts at : and = as well; what stands together is put together again.
_tidegate_words() {
  local rest=$COMP_LINE word i blank
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    blank=${rest%%[![:space:]]*}
    rest=${rest#"$blank"}
    if ((i > 0)) && [[ -z $blank && -n ${words[-1]} && ($word == [:=]* || ${words[-1]} == *[:=]) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    rest=${rest#"$word"}
  done
}

_tidegate_offer() { # what, the word so far
  local prefix=${2%"${2##*[:=]}"} line
  case $1 in
    @any) return ;;
    @file)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    @dir)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
    @job)
      while IFS= read -r line; do
        printf -v line %q "$line"
        [[ $line == "$2"* ]] && COMPREPLY+=("${line#"$prefix"}")
      done < <("${words[0]}" list --names "${context[@]}" 2>/dev/null) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2") ;;
  esac
}

_tidegate() {
  local words context=() path='' option='' word value i
  _tidegate_words
  local last=$((${#words[@]} - 1)) current=${words[-1]}
  for ((i = 1; i < last; i++)); do
    word=${words[i]}
    if [[ -n $option ]]; then # this is its value
      case $option in -C | --directory | --file | --ref) context+=("$option" "$word") ;; esac
      option=''
    elif [[ $word == -* ]]; then
      if [[ $word == --*=* ]]; then
        case $word in --directory=* | --file=* | --ref=*) context+=("$word") ;; esac
      elif _tidegate_values "$path $word" >/dev/null; then
        option=$word
      fi
    elif [[ " $(_tidegate_commands "$path") " == *" $word "* ]]; then
      path=${path:+$path }$word
    fi
  done
  COMPREPLY=()
  if [[ -n $option ]]; then
    _tidegate_offer "$(_tidegate_values "$path $option")" "$current"
  elif [[ $current == --*=* ]]; then
    value=$(_tidegate_values "$path ${current%%=*}") && _tidegate_offer "$value" "${current#*=}"
  elif [[ $current == -* ]]; then
    _tidegate_offer "$(_tidegate_options "$path")" "$current"
  elif value=$(_tidegate_commands "$path") || value=$(_tidegate_arguments "$path"); then
    _tidegate_offer "$value" "$current"
  fi
}

complete -F _tidegate tidegate
)sh";

}  // namespace

std::string bash_completion(const CompletionCommand& program) {
  Tables tables;
  fill(tables, program, "");
  return "# Completion of tidegate for bash; made by `tidegate completion bash`.\n\n" +
         question("commands", tables.commands) + question("options", tables.options) +
         question("values", tables.values) + question("arguments", tables.arguments) + std::string(kBody);
}

}  // namespace tidegate::main
