// `data:` of tidegate.yml: what a project waits for, and where its address is bound.
#pragma once

#include "config/project_file.h"
#include "config/value.h"

namespace tidegate::config {

/// One source, `value` of which is the mapping below its name.
DataSource read_data(const Value& value, const yaml::Mark& mark);

}  // namespace tidegate::config
