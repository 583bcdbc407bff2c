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

bool is_version_2(std::string_view version) {
  return version.starts_with("2.") && parse_integer(version.substr(2)).value_or(-1) >= 0;
}

// Members of JSON objects, with the place in the error.
class Fields {
 public:
  explicit Fields(const std::string& where) : where_(where) {}

  Error wrong(std::string_view field, std::string_view why) const {
    return fail(Errc::kInvalid, fmt::format("{}{}{} {}", where_, where_.empty() ? "" : ".", field, why));
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
  Result<Instant> time(const json::object& object, std::string_view name) const {
    const json::value* value = object.if_contains(name);
    if (value != nullptr && value->is_double() && value->get_double() >= 0 && value->get_double() < 1e11) {
      return Instant(Millis(static_cast<std::int64_t>(value->get_double() * 1000)));  // as moto sends it
    }
    TG_TRY(const std::string time, text(object, name));
    const auto when = parse_iso8601(time);
    if (!when) return wrong(name, "is no time: " + printable(time));
    return *when;
  }
  Result<std::optional<std::uint64_t>> size(const json::object& object) const {
    const json::value* size = object.if_contains("size");
    if (size == nullptr || size->is_null()) return std::optional<std::uint64_t>();
    if (size->is_uint64()) return std::optional(size->get_uint64());
    if (!size->is_int64() || size->get_int64() < 0) return wrong("object.size", "is no size");
    return std::optional(static_cast<std::uint64_t>(size->get_int64()));
  }
  Result<std::string> sequencer(const json::object& object) const {
    TG_TRY(const std::string sequencer, optional_text(object, "sequencer"));
    const auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    if (sequencer.size() > 256 || !std::ranges::all_of(sequencer, is_hex)) {
      return wrong("object.sequencer", "is not hexadecimal: " + printable(sequencer));
    }
    return to_upper(sequencer);
  }
  Result<std::string> bucket(const json::object& parent) const {
    TG_TRY(const json::object* bucket, child(parent, "bucket"));
    TG_TRY(std::string name, text(*bucket, "name"));
    if (name.empty()) return wrong("bucket.name", "is empty");
    return name;
  }
  Result<std::string> key(const json::object& object, bool form_encoded) const {
    TG_TRY(std::string key, text(object, "key"));
    if (form_encoded) {
      auto decoded = percent_decode(key, true);
      if (!decoded) return wrong("object.key", "is not form-encoded: " + printable(key));
      key = *std::move(decoded);
    }
    if (key.size() > kMaxKey) return wrong("object.key", fmt::format("is longer than {} bytes", kMaxKey));
    return key;
  }

 private:
  const std::string& where_;
};

class RecordReader {
 public:
  RecordReader(const json::object& record, const std::string& where) : record_(record), fields_(where) {}

  Result<std::optional<dataset::ObjectEvent>> read() {
    TG_TRY(const std::string version, fields_.text(record_, "eventVersion"));
    if (!is_version_2(version)) return fields_.wrong("eventVersion", "is not 2.x: " + printable(version));
    TG_TRY(std::string name, fields_.text(record_, "eventName"));
    TG_TRY(event_.provider, fields_.text(record_, "eventSource"));
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
    TG_TRY(event_.occurred_at, fields_.time(record_, "eventTime"));
    TG_CHECK(read_object());
    if (dialect_ == Dialect::kVersitygw) event_.provider = "versitygw:s3";
    return std::optional(std::move(event_));
  }

 private:
  Status read_object() {
    const bool plain = dialect_ == Dialect::kVersitygw;
    TG_TRY(const json::object* s3, fields_.child(record_, "s3"));
    TG_TRY(event_.bucket, fields_.bucket(*s3));
    TG_TRY(const json::object* object, fields_.child(*s3, "object"));
    TG_TRY(event_.key, fields_.key(*object, !plain));
    TG_TRY(event_.version_id, fields_.optional_text(*object, "versionId"));
    TG_TRY(event_.etag, fields_.optional_text(*object, "eTag"));
    event_.etag = replace_all(std::move(event_.etag), "\"", "");
    TG_TRY(event_.size, fields_.size(*object));
    if (plain && !is_put_) event_.size.reset();
    TG_TRY(event_.sequencer, fields_.sequencer(*object));
    if (plain) event_.sequencer.clear();
    return {};
  }

  const json::object& record_;
  Fields fields_;
  Dialect dialect_ = Dialect::kAws;
  bool is_put_ = false;
  dataset::ObjectEvent event_;
};

}  // namespace

Result<std::optional<dataset::ObjectEvent>> read_record(const json::object& record,
                                                        const std::string& where) {
  return RecordReader(record, where).read();
}

Result<std::optional<dataset::ObjectEvent>> read_event_bridge(const json::object& event,
                                                              const std::string& where) {
  const Fields fields(where);
  TG_TRY(const std::string source, fields.text(event, "source"));
  TG_TRY(const std::string type, fields.text(event, "detail-type"));
  if (source != "aws.s3") return fields.wrong("source", "is not aws.s3: " + printable(source));
  if (type != "Object Created") return std::optional<dataset::ObjectEvent>();
  dataset::ObjectEvent out;
  out.provider = "aws:s3";  // the store that also sends records: one object, one order of its sequencers
  TG_TRY(out.occurred_at, fields.time(event, "time"));
  TG_TRY(const json::object* detail, fields.child(event, "detail"));
  TG_TRY(out.bucket, fields.bucket(*detail));
  TG_TRY(const json::object* object, fields.child(*detail, "object"));
  TG_TRY(out.key, fields.key(*object, false));
  TG_TRY(out.version_id, fields.optional_text(*object, "version-id"));
  TG_TRY(out.etag, fields.optional_text(*object, object->contains("etag") ? "etag" : "eTag"));
  out.etag = replace_all(std::move(out.etag), "\"", "");
  TG_TRY(out.size, fields.size(*object));
  TG_TRY(out.sequencer, fields.sequencer(*object));
  return std::optional(std::move(out));
}

}  // namespace tidegate::s3
