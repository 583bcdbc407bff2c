// Which handler answers which method and path: a table, no macros, no I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/message.h"

namespace tidegate::http {

/// Patterns: "/api/v4/projects/:id/jobs" (":id" is one segment, decoded: "a%2Fb" is "a/b") and
/// "/git/*rest" (the rest of the path, decoded, joined with '/'; may be empty). The most literal pattern
/// wins, segment by segment; the order of add() does not matter. A trailing '/' of the request is ignored.
class Router {
 public:
  /// `method` "GET" also answers HEAD. "*": every method. The same method and pattern twice is a fault of the
  /// program and aborts.
  void add(std::string method, std::string pattern, Handler handler);

  struct Match {
    enum class Kind : unsigned char { kFound, kNotFound, kWrongMethod };
    Kind kind = Kind::kNotFound;
    const Handler* handler = nullptr;           ///< of kFound
    std::map<std::string, std::string> params;  ///< of kFound
    std::string allow;                          ///< of kWrongMethod: "GET, HEAD, POST"
    std::string pattern;                        ///< of kFound, for logs
  };
  Match match(std::string_view method, const std::vector<std::string>& segments) const;

  /// Calls the handler, or answers 404 / 405 with {"message": …} as API v4 does.
  void operator()(Request request, Reply reply) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> parts;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace tidegate::http
