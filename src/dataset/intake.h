// Intake: what to do with an event, given what is known of its key. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/event.h"

namespace tidegate::dataset {

/// What is remembered of one key of one source.
struct KeyState {
  std::string identity;   ///< of the newest version seen
  std::string sequencer;  ///< of that version; empty: it was told without one
  Instant occurred_at{};
  std::string sequencer_by = {};  ///< whose sequencer it is: those of two providers have no common order
};

enum class Verdict : std::uint8_t {
  kNew,         ///< becomes (part of) a dataset version
  kDuplicate,   ///< this very version was seen before
  kSuperseded,  ///< older than what is known of the key: recorded, not run
  kFiltered,    ///< not below the prefix, or not matched by include
  kIgnored,     ///< no data: a folder marker ("…/"), an empty key
  kMember,      ///< part of a set: becomes data when its manifest or marker says so
};
std::string_view to_string(Verdict verdict);

struct Decision {
  Verdict verdict = Verdict::kIgnored;
  std::string reason;             ///< for people; shown by `tidegate data`
  std::optional<KeyState> state;  ///< to be remembered, when it changes
};

/// What a source wants: `source: s3://bucket/prefix/` and `include:` globs on the key after the prefix ('*'
/// does not cross '/', '**' does).
struct SourceFilter {
  std::string bucket;
  std::string prefix;
  std::vector<std::string> include;
  std::string manifest = {};  ///< `ready: {manifest: GLOB}`: only keys that match announce versions
  std::string marker = {};    ///< `ready: {marker: NAME}`: only keys whose last segment is this do
};

/// Whether the key announces a version by itself: with a manifest or marker, only those do.
bool announces(const SourceFilter& filter, std::string_view key);

/// `seen_before`: whether this identity has been decided kNew for the source before.
Decision decide(const SourceFilter& filter, const ObjectEvent& event, const std::optional<KeyState>& known,
                bool seen_before);

/// s3://bucket/prefix/ or file:///directory/ taken apart; nothing when it is neither.
struct SourceAddress {
  bool is_file = false;
  std::string bucket;  ///< empty for files
  std::string prefix;  ///< key prefix, or the absolute directory
};
std::optional<SourceAddress> parse_source(std::string_view source);

/// The address that code is bound to: s3://bucket/key?versionId=…, key percent-encoded so that the text is
/// one line of plain ASCII whatever the key holds; file:///… likewise.
std::string bound_uri(const std::string& bucket, const std::string& key, const std::string& version_id,
                      bool is_file);
/// The reverse, for code that was bound by hand or by us; nothing when it is no such address.
struct BoundAddress {
  bool is_file = false;
  std::string bucket;
  std::string key;
  std::string version_id;
};
std::optional<BoundAddress> parse_bound_uri(std::string_view uri);

}  // namespace tidegate::dataset
