#include "lineage/record.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::lineage {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"attempt", "delivery", "run", "alias"};

class Names {
 public:
  void add(const std::string& text) {
    if (!text.empty()) names_.push_back({text, false});
  }
  void add_digest(const std::string& text) {
    if (text.empty()) return;
    names_.push_back({text, true});
    if (text.starts_with("sha256:")) names_.push_back({text.substr(7), true});
  }
  std::vector<Name> sorted() && {
    std::ranges::sort(names_);
    const auto rest = std::ranges::unique(names_);
    names_.erase(rest.begin(), rest.end());
    return std::move(names_);
  }

 private:
  std::vector<Name> names_;
};

void add_delivery(Names& names, const DeliveryFact& delivery) {
  names.add(delivery.key);
  names.add(delivery.release);
  names.add_digest(delivery.digest);
}

}  // namespace

std::string_view to_string(Kind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::optional<Kind> parse_kind(std::string_view text) {
  const auto* const at = std::ranges::find(kKinds, text);
  if (at == kKinds.end()) return std::nullopt;
  return static_cast<Kind>(at - kKinds.begin());
}

std::string chain_hash(const Link& before, std::string_view body) {
  Sha256 hash;
  hash.update(before.hash);
  hash.update("\n");
  hash.update(body);
  return hash.hex();
}

Entry chained(const Link& before, const Record& record, PipelineId pipeline, VersionId version) {
  Entry out;
  out.body = body_of(record);
  out.link = {before.number + 1, chain_hash(before, out.body)};
  out.at = record.at;
  out.pipeline = pipeline;
  out.version = version;
  return out;
}

std::optional<std::string> broken(const Link& before, const Entry& entry) {
  if (entry.link.number != before.number + 1)
    return fmt::format("record {} follows record {}: something between them is gone", entry.link.number,
                       before.number);
  if (entry.link.hash != chain_hash(before, entry.body))
    return "its hash is not that of what it says and of the record before it";
  if (const auto record = read_record(entry.body); !record) return record.error().message;
  return std::nullopt;
}

std::vector<Name> names_of(const Record& record) {
  Names names;
  names.add_digest(record.commit);
  if (record.pipeline) names.add(fmt::format("#{}", record.pipeline->id));
  if (record.data) {
    names.add(record.data->uri);
    names.add(record.data->key);
    names.add(fmt::format("{}/{}", record.data->source, record.data->number));
    names.add_digest(record.data->sha256);
  }
  for (const DeliveryFact& delivery : record.deliveries) add_delivery(names, delivery);
  if (record.run) {
    names.add(record.run->run_id);
    names.add(record.run->delivery);
    names.add(record.run->release);
  }
  if (record.alias) names.add(record.alias->release);
  return std::move(names).sorted();
}

}  // namespace tidegate::lineage
