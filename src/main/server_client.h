// The command line as a client of a running server.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/result.h"

namespace tidegate::main {

/// Where the server is and who asks. Flags first, then TIDEGATE_URL, TIDEGATE_TOKEN, TIDEGATE_PROJECT.
struct Connection {
  std::string url;
  std::string token;
  std::string project;
  bool json = false;  ///< print what the server answered
};

using Form = std::vector<std::pair<std::string, std::string>>;

/// One exchange; the answer's "message" is the error when the status is not 2xx.
Result<boost::json::value> call(const Connection& connection, const std::string& method,
                                const std::string& path, const Form& form = {});

int data_list(const Connection& c, const std::string& source);
int data_show(const Connection& c, const std::string& version);
int data_events(const Connection& c, const std::string& source);
int releases(const Connection& c, const std::string& target);
int rollback(const Connection& c, const std::string& target, const std::string& to);
int lineage(const Connection& c, const std::string& of);
/// The object of a version (SOURCE/NUMBER) goes through the gate again.
int data_replay(const Connection& c, const std::string& version);
int quarantine_list(const Connection& c);
int quarantine_lift(const Connection& c, const std::string& digest);
/// What of `filter` is not empty: ref, sha, source, status.
int pipelines(const Connection& c, const Form& filter);
int token_list(const Connection& c);
int token_revoke(const Connection& c, const std::string& id);
int project_create(const Connection& c, const std::string& path, const std::string& branch);
int project_list(const Connection& c);
/// `source`: of a hook token, which is for that source only then.
int token_create(const Connection& c, const std::string& kind, const std::string& name,
                 const std::string& source);
int variable_set(const Connection& c, const std::string& key, const std::string& value, bool masked,
                 bool is_protected);
int variable_list(const Connection& c);

}  // namespace tidegate::main
