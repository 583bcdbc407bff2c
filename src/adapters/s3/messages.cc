#include "adapters/s3/messages.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/s3/records.h"
#include "base/text.h"

namespace tidegate::s3 {
namespace {

namespace json = boost::json;

const json::string* text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_string();
}
const json::array* list_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}
bool says(const json::object& object, std::string_view name, std::string_view word) {
  const json::string* value = text_of(object, name);
  return value != nullptr && *value == word;
}

dataset::ConnectionTest test_of(const json::object& event) {
  const auto word = [&](std::string_view name) {
    const json::string* value = text_of(event, name);
    return value == nullptr ? std::string() : printable(*value);
  };
  return {word("Service"), word("Bucket"), parse_iso8601(word("Time"))};
}

std::string below(const std::string& where, std::string_view name) {
  return where.empty() ? std::string(name) : fmt::format("{}.{}", where, name);
}

class Unwrapper {
 public:
  Status open(std::string_view text, const std::string& where, int envelopes) {
    if (envelopes > kMaxEnvelopes) {
      return fail(Errc::kInvalid, fmt::format("{} is more than {} envelopes deep", where, kMaxEnvelopes));
    }
    boost::system::error_code error;
    const json::value document = json::parse({text.data(), text.size()}, error);
    const std::string what = where.empty() ? "the body" : where;
    if (error) return fail(Errc::kInvalid, what + " is not JSON: " + error.message());
    if (const json::array* list = document.if_array()) return records(*list, where, envelopes);
    if (const json::object* object = document.if_object()) return message(*object, where, envelopes);
    return fail(Errc::kInvalid, what + " has no list of Records; is it an S3 event?");
  }

  dataset::Announcement take() { return std::move(out_); }

 private:
  Status message(const json::object& object, const std::string& where, int envelopes) {
    if (const json::array* list = list_of(object, "Records"))
      return records(*list, below(where, "Records"), envelopes);
    if (const json::array* list = list_of(object, "Messages"))
      return records(*list, below(where, "Messages"), envelopes);
    if (says(object, "Event", "s3:TestEvent")) {
      out_.tests.push_back(test_of(object));
      return {};
    }
    if (object.contains("detail-type")) return take(read_event_bridge(object, where));
    const auto inner = envelope(object, where, envelopes);
    if (inner) return *inner;
    return fail(Errc::kInvalid, (where.empty() ? "the body" : where) +
                                    " has no list of Records and is no envelope of one; is it an S3 event?");
  }

  /// Nothing: it is none.
  std::optional<Status> envelope(const json::object& object, const std::string& where, int envelopes) {
    const auto inside = [&](const json::string& text, std::string_view name) -> Status {
      return open(text, below(where, name), envelopes + 1);
    };
    if (says(object, "Type", "Notification")) {  // SNS over HTTP, and in SQS without raw delivery
      if (const json::string* text = text_of(object, "Message")) return inside(*text, "Message");
    }
    if (const json::value* sns = object.if_contains("Sns"); sns != nullptr && sns->is_object()) {
      if (const json::string* text = text_of(sns->get_object(), "Message"))
        return inside(*text, "Sns.Message");
    }
    // Lambda's event says body, ReceiveMessage Body; both tell which message it is.
    if (object.contains("messageId") || object.contains("MessageId")) {
      if (const json::string* text = text_of(object, "body")) return inside(*text, "body");
      if (const json::string* text = text_of(object, "Body")) return inside(*text, "Body");
    }
    return std::nullopt;
  }

  Status records(const json::array& list, const std::string& where, int envelopes) {
    count_ += list.size();
    if (count_ > kMaxRecords) {
      return fail(Errc::kInvalid, fmt::format("the body has {} records, more than {}", count_, kMaxRecords));
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string place = fmt::format("{}[{}]", where, i);
      const json::object* record = list[i].if_object();
      if (record == nullptr) return fail(Errc::kInvalid, place + " is not an object");
      if (record->contains("detail-type")) {
        TG_CHECK(take(read_event_bridge(*record, place)));
      } else if (const auto inner = envelope(*record, place, envelopes)) {
        TG_CHECK(*inner);
      } else {
        TG_CHECK(take(read_record(*record, place)));
      }
    }
    return {};
  }

  Status take(Result<std::optional<dataset::ObjectEvent>> event) {
    if (!event) return std::move(event).error();
    if (*event) {
      out_.events.push_back(**std::move(event));
    } else {
      ++out_.ignored;
    }
    return {};
  }

  dataset::Announcement out_;
  std::size_t count_ = 0;
};

}  // namespace

Result<dataset::Announcement> parse_message(std::string_view message) {
  if (message.size() > kMaxMessage) {
    return fail(Errc::kInvalid,
                fmt::format("the body has {} bytes, more than {}", message.size(), kMaxMessage));
  }
  Unwrapper unwrapper;
  TG_CHECK(unwrapper.open(message, "", 0));
  return unwrapper.take();
}

}  // namespace tidegate::s3
