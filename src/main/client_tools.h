// What the commands that ask a server share: the exchange, and how answers look on a terminal.
#pragma once

#include <functional>
#include <string>

#include <boost/json/fwd.hpp>

#include "main/server_client.h"

namespace tidegate::main {

/// A member as text; numbers as JSON has them; empty when it is missing or null.
std::string text(const boost::json::value& object, const char* key);
/// Empty when it is missing.
const boost::json::array& list(const boost::json::value& object, const char* key);

/// Where the project is, in GitLab's API and in ours.
std::string v4(const Connection& c);
std::string own_path(const Connection& c);
/// Says so when no project is given.
bool lacks_project(const Connection& c);

/// Asks and prints; `print` is for people, --json prints the answer as it is. `judge`, when there is one, is
/// shown the answer in both cases. The exit code.
using OnAnswer = std::function<void(const boost::json::value&)>;
int show(const Connection& c, const std::string& method, const std::string& path, const Form& form,
         const OnAnswer& print, const OnAnswer& judge = {});

void print_version_line(const boost::json::value& version);
void print_jobs(const boost::json::value& version);
void print_deliveries(const boost::json::array& deliveries);

}  // namespace tidegate::main
