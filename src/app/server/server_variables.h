// The variables that every job of a project gets from the server.
#pragma once

#include "app/server/server_ports.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

/// Those of the server, of the project and of the registry. Source: GitLab docs "Predefined CI/CD variables".
pipeline::JobVariables predefined_variables(const ServerPorts& ports, const Project& project);

}  // namespace tidegate::app
