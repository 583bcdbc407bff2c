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

int releases(const Connection& c, const std::string& target);
int rollback(const Connection& c, const std::string& target, const std::string& to);
/// kFailed when a host is not as it was left; kEnvironment when one could not be compared.
int drift(const Connection& c, const std::string& target);
int lineage(const Connection& c, const std::string& of);
/// `known`: NUMBER:HASH of a record that must be in the chain; empty: none. 1: a record is not as it was.
int lineage_verify(const Connection& c, const std::string& known);
struct LineageExport {
  std::string format = "openlineage";  ///< openlineage, slsa
  std::string since;                   ///< ISO 8601; empty: from the beginning
  bool is_signed = false;
};
/// One JSON value a line.
int lineage_export(const Connection& c, const LineageExport& what);
int lineage_key(const Connection& c);
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
