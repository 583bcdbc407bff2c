#include "adapters/http/message.h"

#include <system_error>

#include "sys/file.h"

namespace tidegate::http {

SpoolFile::~SpoolFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

Result<std::string> Body::text(std::uint64_t max_bytes) const {
  if (size > max_bytes)
    return fail(Errc::kInvalid, "the body is larger than " + std::to_string(max_bytes) + " bytes");
  if (!file) return bytes;
  return sys::read_file(file->path(), max_bytes);
}

std::optional<std::string> Request::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (auto pair = query.rbegin(); pair != query.rend(); ++pair) {
    if (pair->first == name) return pair->second;
  }
  return std::nullopt;
}

std::string Request::param(std::string_view name) const {
  const auto found = params.find(std::string(name));
  return found == params.end() ? std::string() : found->second;
}

Response Response::text(unsigned status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

Response Response::json(unsigned status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this == &other) return *this;
  if (sink_) sink_->abandon();
  sink_ = std::move(other.sink_);
  return *this;
}

Reply::~Reply() {
  if (sink_) sink_->abandon();
}

void Reply::send(Response response) {
  if (const auto sink = std::move(sink_)) sink->send(std::move(response));
}

void Reply::start(unsigned status, Headers headers) {
  if (sink_) sink_->start(status, std::move(headers));
}

bool Reply::write(std::string_view bytes) {
  return sink_ && sink_->write(bytes);
}

bool Reply::try_write(std::string_view bytes) {
  return sink_ && sink_->try_write(bytes);
}

void Reply::finish() {
  if (const auto sink = std::move(sink_)) sink->finish();
}

bool Reply::gone() const {
  return !sink_ || sink_->gone();
}

void Reply::on_gone(std::function<void()> callback) {
  if (sink_) sink_->on_gone(std::move(callback));
}

}  // namespace tidegate::http
