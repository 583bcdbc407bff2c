#include "adapters/neo4j/json_text.h"

#include <boost/json.hpp>

namespace tidegate::neo4j {

std::string_view view(const boost::json::string& text) {
  return {text.data(), text.size()};
}

}  // namespace tidegate::neo4j
