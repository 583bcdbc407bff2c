#include "config/yaml_map.h"

namespace tidegate::config::yaml {

std::string key_text(const Node& node) {
  if (node.is_scalar()) return node.text;
  std::string out = node.is_map() ? "{" : "[";
  const auto quoted = [](const Node& value) {
    return value.is_string() ? "\"" + value.text + "\"" : value.is_null() ? "nil" : key_text(value);
  };
  for (const NodePtr& item : node.items) {
    if (out.size() > 1) out += ", ";
    out += quoted(*item);
  }
  for (const Entry& entry : node.entries) {
    if (out.size() > 1) out += ", ";
    out += "\"" + entry.key + "\"=>" + quoted(*entry.value);
  }
  return out + (node.is_map() ? "}" : "]");
}

}  // namespace tidegate::config::yaml
