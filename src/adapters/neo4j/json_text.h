// Texts out of Boost.JSON, for this adapter's files that read it.
#pragma once

#include <string_view>

#include <boost/json/fwd.hpp>

namespace tidegate::neo4j {

/// Valid as long as `text` is unchanged.
std::string_view view(const boost::json::string& text);

}  // namespace tidegate::neo4j
