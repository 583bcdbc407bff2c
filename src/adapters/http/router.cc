#include "adapters/http/router.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/log.h"
#include "base/text.h"

namespace tidegate::http {
namespace {

bool is_rest(std::string_view part) {
  return part.starts_with('*');
}
bool is_param(std::string_view part) {
  return part.starts_with(':');
}

// 0 literal, 1 parameter, 2 rest: what is more literal comes first.
int rank(std::string_view part) {
  return is_rest(part) ? 2 : is_param(part) ? 1 : 0;
}

std::vector<std::string> parts_of(std::string_view pattern) {
  std::vector<std::string> parts;
  for (auto& part : split(pattern, '/')) {
    if (!part.empty()) parts.push_back(std::move(part));
  }
  return parts;
}

// The pattern with names taken out: two patterns of one shape match the same paths.
std::string shape_of(const std::vector<std::string>& parts) {
  std::string shape;
  for (const auto& part : parts) shape += "/" + (rank(part) == 0 ? part : part.substr(0, 1));
  return shape;
}

bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (rank(a[i]) != rank(b[i])) return rank(a[i]) < rank(b[i]);
  }
  return a.size() > b.size();
}

std::optional<std::map<std::string, std::string>> match_parts(const std::vector<std::string>& parts,
                                                              const std::vector<std::string>& segments) {
  std::map<std::string, std::string> params;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_rest(parts[i])) {
      const auto from = segments.begin() + static_cast<std::ptrdiff_t>(std::min(i, segments.size()));
      params[parts[i].substr(1)] = join({from, segments.end()}, "/");
      return params;
    }
    if (i >= segments.size()) return std::nullopt;
    if (is_param(parts[i])) {
      if (segments[i].empty()) return std::nullopt;
      params[parts[i].substr(1)] = segments[i];
    } else if (parts[i] != segments[i]) {
      return std::nullopt;
    }
  }
  if (segments.size() != parts.size()) return std::nullopt;
  return params;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  Route route{std::move(method), std::move(pattern), {}, std::move(handler)};
  route.parts = parts_of(route.pattern);
  for (std::size_t i = 0; i < route.parts.size(); ++i) {
    const bool rest_inside = is_rest(route.parts[i]) && i + 1 < route.parts.size();
    if (rest_inside) log::error("http", "route {}: '*' is not at the end", route.pattern);
    if (rest_inside) std::abort();
  }
  for (const auto& other : routes_) {
    if (other.method == route.method && shape_of(other.parts) == shape_of(route.parts)) {
      log::error("http", "route {} {} is there twice", route.method, route.pattern);
      std::abort();
    }
  }
  const auto place = std::ranges::find_if(
      routes_, [&](const Route& other) { return more_literal(route.parts, other.parts); });
  routes_.insert(place, std::move(route));
}

Router::Match Router::match(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  std::set<std::string> allowed;
  for (const auto& route : routes_) {
    auto params = match_parts(route.parts, segments);
    if (!params) continue;
    if (route.method == "*" || route.method == method || (route.method == "GET" && method == "HEAD")) {
      return {Match::Kind::kFound, &route.handler, *std::move(params), {}, route.pattern};
    }
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) return match;
  match.kind = Match::Kind::kWrongMethod;
  match.allow = join({allowed.begin(), allowed.end()}, ", ");
  return match;
}

void Router::operator()(Request request, Reply reply) const {
  auto segments = request.segments;
  if (!segments.empty() && segments.back().empty()) segments.pop_back();
  auto found = match(request.method, segments);
  switch (found.kind) {
    case Match::Kind::kFound:
      request.params = std::move(found.params);
      return (*found.handler)(std::move(request), std::move(reply));
    case Match::Kind::kWrongMethod: {
      auto response = Response::json(405, R"({"message":"405 Method Not Allowed"})");
      response.headers.emplace_back("Allow", found.allow);
      return reply.send(std::move(response));
    }
    case Match::Kind::kNotFound:
      return reply.send(Response::json(404, R"({"message":"404 Not Found"})"));
  }
}

}  // namespace tidegate::http
