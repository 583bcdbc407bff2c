#include "adapters/sqlite/options_json.h"

#include <boost/json.hpp>

namespace tidegate::sqlite {
namespace {

namespace json = boost::json;

std::string text_at(const json::value& v, const char* key) {
  return std::string(v.at(key).as_string());
}

// Reading is the reverse of our own writing; anything else is a database that was altered by hand.
template <class T, class Read>
Result<T> parsed(std::string_view source, Read read) {
  try {
    return read(json::parse(source));
  } catch (const std::exception& error) {
    return fail(Errc::kInternal, std::string("database: a stored value cannot be read: ") + error.what());
  }
}

json::value environment_json(const std::optional<config::Environment>& e) {
  if (!e) return nullptr;
  return json::object{{"name", e->name},
                      {"url", e->url},
                      {"on_stop", e->on_stop},
                      {"action", e->action},
                      {"auto_stop_in", e->auto_stop_in},
                      {"deployment_tier", e->deployment_tier}};
}

config::Environment read_environment(const json::value& v) {
  return {.name = text_at(v, "name"),
          .url = text_at(v, "url"),
          .on_stop = text_at(v, "on_stop"),
          .action = text_at(v, "action"),
          .auto_stop_in = text_at(v, "auto_stop_in"),
          .deployment_tier = text_at(v, "deployment_tier")};
}

}  // namespace

std::string encode_options(const StoredOptions& stored) {
  json::array tokens;
  for (const config::IdToken& token : stored.options.id_tokens)
    tokens.push_back(json::object{{"name", token.name}, {"aud", json::value_from(token.audiences)}});
  return json::serialize(json::object{{"coverage", stored.options.coverage},
                                      {"id_tokens", tokens},
                                      {"manual_confirmation", stored.options.manual_confirmation},
                                      {"artifacts_access", stored.options.artifacts_access},
                                      {"environment", environment_json(stored.environment)}});
}

Result<StoredOptions> decode_options(std::string_view text) {
  if (text.empty()) return StoredOptions();
  return parsed<StoredOptions>(text, [](const json::value& v) {
    StoredOptions out;
    out.options.coverage = text_at(v, "coverage");
    out.options.manual_confirmation = text_at(v, "manual_confirmation");
    out.options.artifacts_access = text_at(v, "artifacts_access");
    for (const json::value& token : v.at("id_tokens").as_array())
      out.options.id_tokens.push_back(
          {text_at(token, "name"), json::value_to<std::vector<std::string>>(token.at("aud"))});
    if (!v.at("environment").is_null()) out.environment = read_environment(v.at("environment"));
    return out;
  });
}

std::string encode_release(const config::Release& r) {
  json::array links;
  for (const config::ReleaseLink& link : r.links)
    links.push_back(json::object{
        {"name", link.name}, {"url", link.url}, {"filepath", link.filepath}, {"type", link.type}});
  return json::serialize(json::object{{"tag_name", r.tag_name},
                                      {"tag_message", r.tag_message},
                                      {"name", r.name},
                                      {"description", r.description},
                                      {"ref", r.ref},
                                      {"milestones", json::value_from(r.milestones)},
                                      {"released_at", r.released_at},
                                      {"links", links}});
}

Result<config::Release> decode_release(std::string_view text) {
  return parsed<config::Release>(text, [](const json::value& v) {
    config::Release r;
    r.tag_name = text_at(v, "tag_name");
    r.tag_message = text_at(v, "tag_message");
    r.name = text_at(v, "name");
    r.description = text_at(v, "description");
    r.ref = text_at(v, "ref");
    r.milestones = json::value_to<std::vector<std::string>>(v.at("milestones"));
    r.released_at = text_at(v, "released_at");
    for (const json::value& link : v.at("links").as_array())
      r.links.push_back(
          {text_at(link, "name"), text_at(link, "url"), text_at(link, "filepath"), text_at(link, "type")});
    return r;
  });
}

}  // namespace tidegate::sqlite
