#include "adapters/sns/message.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/text.h"

namespace tidegate::sns {
namespace {

namespace json = boost::json;

std::optional<Kind> kind_of(std::string_view type) {
  if (type == "Notification") return Kind::kNotification;
  if (type == "SubscriptionConfirmation") return Kind::kSubscriptionConfirmation;
  if (type == "UnsubscribeConfirmation") return Kind::kUnsubscribeConfirmation;
  return std::nullopt;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kNotification:
      return "Notification";
    case Kind::kSubscriptionConfirmation:
      return "SubscriptionConfirmation";
    case Kind::kUnsubscribeConfirmation:
      return "UnsubscribeConfirmation";
  }
  return "";
}

std::optional<std::string> text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

Status take(const json::object& object, std::string_view name, std::string& out) {
  auto value = text(object, name);
  if (!value) return fail(Errc::kInvalid, "the SNS message has no " + std::string(name));
  out = *std::move(value);
  return {};
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

Result<std::optional<Message>> read_message(std::string_view body) {
  boost::system::error_code error;
  const json::value document = json::parse({body.data(), body.size()}, error);
  const json::object* object = error ? nullptr : document.if_object();
  const auto type = object == nullptr ? std::nullopt : text(*object, "Type");
  const auto kind = type ? kind_of(*type) : std::nullopt;
  if (!kind || !object->contains("TopicArn")) return std::optional<Message>();
  Message out;
  out.kind = *kind;
  TG_CHECK(take(*object, "MessageId", out.message_id));
  TG_CHECK(take(*object, "TopicArn", out.topic));
  TG_CHECK(take(*object, "Message", out.message));
  TG_CHECK(take(*object, "Timestamp", out.timestamp));
  TG_CHECK(take(*object, "SignatureVersion", out.signature_version));
  std::string signature;
  TG_CHECK(take(*object, "Signature", signature));
  auto bytes = base64_decode(signature);
  if (!bytes) return fail(Errc::kInvalid, "the SNS message's Signature is not base64");
  out.signature = *std::move(bytes);
  TG_CHECK(take(*object, "SigningCertURL", out.certificate_url));
  if (out.kind == Kind::kNotification) {
    out.subject = text(*object, "Subject");
  } else {
    TG_CHECK(take(*object, "Token", out.token));
    TG_CHECK(take(*object, "SubscribeURL", out.subscribe_url));
  }
  return std::optional(std::move(out));
}

std::string canonical(const Message& m) {
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    out += name;
    out += '\n';
    out += value;
    out += '\n';
  };
  add("Message", m.message);
  add("MessageId", m.message_id);
  if (m.kind == Kind::kNotification) {
    if (m.subject) add("Subject", *m.subject);
  } else {
    add("SubscribeURL", m.subscribe_url);
  }
  add("Timestamp", m.timestamp);
  if (m.kind != Kind::kNotification) add("Token", m.token);
  add("TopicArn", m.topic);
  add("Type", name_of(m.kind));
  return out;
}

Status check_address(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const Error refused = fail(Errc::kDenied, "not an address of SNS: " + printable(url));
  if (!url.starts_with(kScheme)) return refused;
  std::string_view host = url.substr(kScheme.size());
  // Up to the slash, and there must be one: clients differ in what else ends a host.
  const std::size_t end = host.find('/');
  if (end == std::string_view::npos) return refused;
  host = host.substr(0, end);
  if (!host.starts_with("sns.")) return refused;
  host.remove_prefix(4);
  for (const std::string_view domain : {".amazonaws.com", ".amazonaws.com.cn"}) {
    if (host.ends_with(domain) && is_region(host.substr(0, host.size() - domain.size()))) return {};
  }
  return refused;
}

}  // namespace tidegate::sns
