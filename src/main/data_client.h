// `tidegate data …`: dataset versions, and what people do to them.
#pragma once

#include <string>

#include "main/server_client.h"

namespace tidegate::main {

int data_list(const Connection& c, const std::string& source);
int data_show(const Connection& c, const std::string& version);
int data_events(const Connection& c, const std::string& source);
/// What people did, and why.
int data_actions(const Connection& c, const std::string& source);
/// `what` is done to a version (SOURCE/NUMBER): replay, skip, quarantine, release, pin.
int data_do(const Connection& c, const std::string& what, const std::string& version,
            const std::string& reason);
int data_unpin(const Connection& c, const std::string& source, const std::string& reason);
/// `filter`: since, match, reason.
int data_backfill(const Connection& c, const std::string& source, const Form& filter);

}  // namespace tidegate::main
