#include "adapters/s3/records.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::s3 {
namespace {

namespace json = boost::json;

enum class Dialect : std::uint8_t { kAws, kMinio, kVersitygw };

constexpr std::size_t kMaxKey = 4096;  // S3 says 1,024; others allow more

class RecordReader {
 public:
  RecordReader(const json::object& record, std::size_t index) : record_(record), index_(index) {}

  /// Nothing: a record of another kind.
  Result<std::optional<dataset::ObjectEvent>> read() {
    TG_TRY(const std::string version, text(record_, "eventVersion"));
    if (!version.starts_with("2.")) return wrong("eventVersion", "is not 2.x: " + printable(version));
    TG_TRY(std::string name, text(record_, "eventName"));
    TG_TRY(event_.provider, text(record_, "eventSource"));
    const bool prefixed = name.starts_with("s3:");
    if (prefixed) name.erase(0, 3);
    if (event_.provider.starts_with("minio:")) {
      dialect_ = Dialect::kMinio;
    } else if (prefixed && event_.provider == "aws:s3") {
      dialect_ = Dialect::kVersitygw;  // AWS writes the name without "s3:" in records
    }
    static constexpr std::array<std::string_view, 4> kData = {"ObjectCreated:Put", "ObjectCreated:Post",
                                                              "ObjectCreated:Copy",
                                                              "ObjectCreated:CompleteMultipartUpload"};
    if (std::ranges::find(kData, name) == kData.end()) return std::optional<dataset::ObjectEvent>();
    is_put_ = name == "ObjectCreated:Put" || name == "ObjectCreated:Post";
    TG_CHECK(read_time());
    TG_CHECK(read_object());
    if (dialect_ == Dialect::kVersitygw) event_.provider = "versitygw:s3";
    return std::optional(std::move(event_));
  }

 private:
  Error wrong(std::string_view field, std::string_view why) const {
    return fail(Errc::kInvalid, fmt::format("Records[{}].{} {}", index_, field, why));
  }

  Result<std::string> text(const json::object& object, std::string_view name) const {
    const json::value* value = object.if_contains(name);
    if (value == nullptr) return wrong(name, "is missing");
    if (!value->is_string()) return wrong(name, "is not a string");
    return std::string(value->get_string());
  }
  /// Missing and null are empty.
  Result<std::string> optional_text(const json::object& object, std::string_view name) const {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || value->is_null()) return std::string();
    return text(object, name);
  }
  Result<const json::object*> child(const json::object& object, std::string_view name) const {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_object()) return wrong(name, "is missing or not an object");
    return &value->get_object();
  }

  Status read_time() {
    TG_TRY(const std::string time, text(record_, "eventTime"));
    const auto when = parse_iso8601(time);
    if (!when) return wrong("eventTime", "is no time: " + printable(time));
    event_.occurred_at = *when;
    return {};
  }

  Status read_object() {
    TG_TRY(const json::object* s3, child(record_, "s3"));
    TG_TRY(const json::object* bucket, child(*s3, "bucket"));
    TG_TRY(const json::object* object, child(*s3, "object"));
    TG_TRY(event_.bucket, text(*bucket, "name"));
    if (event_.bucket.empty()) return wrong("s3.bucket.name", "is empty");
    TG_CHECK(read_key(*object));
    TG_TRY(event_.version_id, optional_text(*object, "versionId"));
    TG_TRY(event_.etag, optional_text(*object, "eTag"));
    event_.etag = replace_all(std::move(event_.etag), "\"", "");
    TG_CHECK(read_size(*object));
    return read_sequencer(*object);
  }

  Status read_key(const json::object& object) {
    TG_TRY(std::string key, text(object, "key"));
    if (dialect_ != Dialect::kVersitygw) {
      auto decoded = percent_decode(key, true);
      if (!decoded) return wrong("s3.object.key", "is not form-encoded: " + printable(key));
      key = *std::move(decoded);
    }
    if (key.size() > kMaxKey) return wrong("s3.object.key", fmt::format("is longer than {} bytes", kMaxKey));
    event_.key = std::move(key);
    return {};
  }

  Status read_size(const json::object& object) {
    const json::value* size = object.if_contains("size");
    if (size == nullptr || size->is_null()) return {};
    if (size->is_uint64()) {
      event_.size = size->get_uint64();
    } else if (size->is_int64() && size->get_int64() >= 0) {
      event_.size = static_cast<std::uint64_t>(size->get_int64());
    } else {
      return wrong("s3.object.size", "is no size");
    }
    if (dialect_ == Dialect::kVersitygw && !is_put_) event_.size.reset();
    return {};
  }

  Status read_sequencer(const json::object& object) {
    TG_TRY(const std::string sequencer, optional_text(object, "sequencer"));
    if (dialect_ == Dialect::kVersitygw) return {};
    const auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    if (sequencer.size() > 256 || !std::ranges::all_of(sequencer, is_hex)) {
      return wrong("s3.object.sequencer", "is not hexadecimal: " + printable(sequencer));
    }
    event_.sequencer = to_upper(sequencer);
    return {};
  }

  const json::object& record_;
  std::size_t index_;
  Dialect dialect_ = Dialect::kAws;
  bool is_put_ = false;
  dataset::ObjectEvent event_;
};

bool is_test_event(const json::value& body) {
  const json::object* object = body.if_object();
  const json::value* event = object != nullptr ? object->if_contains("Event") : nullptr;
  return event != nullptr && event->is_string() && event->get_string() == "s3:TestEvent";
}

// {"Records": […]}, or the list alone, as early versitygw sends it.
const json::array* records_of(const json::value& body) {
  if (const json::array* list = body.if_array()) return list;
  const json::object* object = body.if_object();
  const json::value* records = object != nullptr ? object->if_contains("Records") : nullptr;
  return records != nullptr ? records->if_array() : nullptr;
}

}  // namespace

Result<HookRecords> parse_records(std::string_view body) {
  if (body.size() > kMaxHookBody) {
    return fail(Errc::kInvalid,
                fmt::format("the body has {} bytes, more than {}", body.size(), kMaxHookBody));
  }
  boost::system::error_code error;
  const json::value document = json::parse({body.data(), body.size()}, error);
  if (error) return fail(Errc::kInvalid, "the body is not JSON: " + error.message());
  HookRecords result;
  result.is_test = is_test_event(document);
  if (result.is_test) return result;
  const json::array* records = records_of(document);
  if (records == nullptr) return fail(Errc::kInvalid, "the body has no list of Records; is it an S3 event?");
  if (records->size() > kMaxHookRecords) {
    return fail(Errc::kInvalid,
                fmt::format("the body has {} records, more than {}", records->size(), kMaxHookRecords));
  }
  for (std::size_t i = 0; i < records->size(); ++i) {
    const json::object* record = (*records)[i].if_object();
    if (record == nullptr) return fail(Errc::kInvalid, fmt::format("Records[{}] is not an object", i));
    TG_TRY(auto event, RecordReader(*record, i).read());
    if (event) {
      result.events.push_back(*std::move(event));
    } else {
      ++result.ignored;
    }
  }
  return result;
}

}  // namespace tidegate::s3
