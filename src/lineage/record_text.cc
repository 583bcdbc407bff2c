// Records to canonical JSON and back.
#include <array>
#include <functional>

#include <fmt/core.h>

#include "base/text.h"
#include "lineage/canonical.h"
#include "lineage/record.h"

namespace tidegate::lineage {
namespace {

// One description of each kind of thing serves both ways: `Writer` and `TextReader` are given every member in
// turn.
class Writer {
 public:
  void text(const char* name, const std::string& value) {
    if (!value.empty()) out[name] = Value{value};
  }
  void number(const char* name, std::int64_t value) {
    if (value != 0) out[name] = Value{value};
  }
  void number(const char* name, const std::optional<std::int64_t>& value) {
    if (value) out[name] = Value{*value};
  }
  void truth(const char* name, bool value) {
    if (value) out[name] = Value{true};
  }
  void time(const char* name, const std::optional<Instant>& value) {
    if (value) out[name] = Value{format_iso8601(*value)};
  }
  void time(const char* name, Instant value) { out[name] = Value{format_iso8601(value)}; }
  void kind(const char* name, Kind value) { out[name] = Value{std::string(to_string(value))}; }
  template <class T>
  void one(const char* name, const std::optional<T>& value) {
    if (value) out[name] = written(*value);
  }
  template <class T>
  void many(const char* name, const std::vector<T>& values) {
    if (values.empty()) return;
    List list;
    for (const T& value : values) list.push_back(written(value));
    out[name] = Value{std::move(list)};
  }

  Object out;

 private:
  template <class T>
  static Value written(const T& value);
};

/// Takes what it knows out of the object; what is left, or has another type, makes it `bad`.
class TextReader {
 public:
  explicit TextReader(Object object) : object_(std::move(object)) {}

  void text(const char* name, std::string& to) { take(name, to); }
  void number(const char* name, std::int64_t& to) { take(name, to); }
  void number(const char* name, std::optional<std::int64_t>& to) {
    std::int64_t value = 0;
    if (take(name, value)) to = value;
  }
  void truth(const char* name, bool& to) { take(name, to); }
  void time(const char* name, std::optional<Instant>& to) {
    std::string text;
    if (!take(name, text)) return;
    to = parse_iso8601(text);
    bad_ = bad_ || !to;
  }
  void time(const char* name, Instant& to) {
    std::optional<Instant> value;
    time(name, value);
    bad_ = bad_ || !value;
    to = value.value_or(Instant{});
  }
  void kind(const char* name, Kind& to) {
    std::string text;
    take(name, text);
    const auto known = parse_kind(text);
    bad_ = bad_ || !known;
    to = known.value_or(Kind::kAttempt);
  }
  template <class T>
  void one(const char* name, std::optional<T>& to) {
    Object inner;
    if (take(name, inner)) fill(std::move(inner), to.emplace());
  }
  template <class T>
  void many(const char* name, std::vector<T>& to) {
    List list;
    if (!take(name, list)) return;
    for (Value& item : list) {
      auto* object = std::get_if<Object>(&item.is);
      if (object == nullptr) {
        bad_ = true;
      } else {
        fill(std::move(*object), to.emplace_back());
      }
    }
  }
  bool good() const { return !bad_ && object_.empty(); }

 private:
  template <class T>
  bool take(const char* name, T& to) {
    const auto found = object_.find(name);
    if (found == object_.end()) return false;
    auto* value = std::get_if<T>(&found->second.is);
    if (value == nullptr) {
      bad_ = true;
      return false;
    }
    to = std::move(*value);
    object_.erase(found);
    return true;
  }
  template <class T>
  void fill(Object inner, T& to);

  Object object_;
  bool bad_ = false;
};

template <class Way, class T>
void members(Way& way, T& d)
  requires std::same_as<std::remove_const_t<T>, Data>
{
  way.text("source", d.source);
  way.number("number", d.number);
  way.text("bucket", d.bucket);
  way.text("key", d.key);
  way.text("object_version", d.object_version);
  way.text("etag", d.etag);
  way.number("size", d.size);
  way.text("sha256", d.sha256);
  way.text("uri", d.uri);
}

template <class Way, class T>
void members(Way& way, T& j)
  requires std::same_as<std::remove_const_t<T>, JobFact>
{
  way.number("id", j.id);
  way.text("name", j.name);
  way.text("stage", j.stage);
  way.text("status", j.status);
  way.truth("retried", j.retried);
  way.number("exit_code", j.exit_code);
  way.text("failure", j.failure);
  way.text("log_sha256", j.log_sha256);
}

template <class Way, class T>
void members(Way& way, T& p)
  requires std::same_as<std::remove_const_t<T>, PipelineFact>
{
  way.number("id", p.id);
  way.text("source", p.source);
  way.text("status", p.status);
  way.time("started_at", p.started_at);
  way.time("finished_at", p.finished_at);
  way.many("jobs", p.jobs);
}

template <class Way, class T>
void members(Way& way, T& d)
  requires std::same_as<std::remove_const_t<T>, DeliveryFact>
{
  way.text("kind", d.kind);
  way.text("key", d.key);
  way.number("job", d.job);
  way.text("target", d.target);
  way.text("place", d.place);
  way.text("state", d.state);
  way.text("repository", d.repository);
  way.text("digest", d.digest);
  way.text("release", d.release);
  way.text("previous", d.previous);
  way.text("message", d.message);
}

template <class Way, class T>
void members(Way& way, T& r)
  requires std::same_as<std::remove_const_t<T>, RunFact>
{
  way.text("run_id", r.run_id);
  way.text("experiment_id", r.experiment_id);
  way.text("delivery", r.delivery);
  way.text("release", r.release);
  way.truth("input_logged", r.input_logged);
}

template <class Way, class T>
void members(Way& way, T& a)
  requires std::same_as<std::remove_const_t<T>, AliasFact>
{
  way.text("model", a.model);
  way.text("alias", a.alias);
  way.text("from", a.from);
  way.text("to", a.to);
  way.text("release", a.release);
}

template <class Way, class T>
void members(Way& way, T& r)
  requires std::same_as<std::remove_const_t<T>, Record>
{
  way.kind("kind", r.kind);
  way.text("project", r.project);
  way.time("at", r.at);
  way.text("verdict", r.verdict);
  way.text("reason", r.reason);
  way.number("attempt", r.attempt);
  way.one("data", r.data);
  way.text("commit", r.commit);
  way.text("parent", r.parent);
  way.text("branch", r.branch);
  way.truth("promoted", r.promoted);
  way.one("pipeline", r.pipeline);
  way.many("deliveries", r.deliveries);
  way.one("run", r.run);
  way.one("alias", r.alias);
}

template <class T>
Value Writer::written(const T& value) {
  Writer inner;
  members(inner, value);
  return Value{std::move(inner.out)};
}

template <class T>
void TextReader::fill(Object inner, T& to) {
  TextReader reader(std::move(inner));
  members(reader, to);
  bad_ = bad_ || !reader.good();
}

}  // namespace

std::string body_of(const Record& record) {
  Writer writer;
  members(writer, record);
  return write(Value{std::move(writer.out)});
}

Result<Record> read_record(std::string_view body) {
  TG_TRY(auto value, read(body));
  auto* object = std::get_if<Object>(&value.is);
  if (object == nullptr) return fail(Errc::kInvalid, "not a lineage record: " + printable(body));
  Record out;
  TextReader reader(std::move(*object));
  members(reader, out);
  if (!reader.good()) return fail(Errc::kInvalid, "not a lineage record: " + printable(body));
  return out;
}

}  // namespace tidegate::lineage
