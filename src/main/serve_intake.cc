#include "main/serve_intake.h"

#include <fmt/core.h>

#include "adapters/s3/messages.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/http_client.h"

namespace tidegate::main {
namespace {

sns::Fetch fetch_of(const ServerConfig::Sns& config) {
  return [config](const std::string& url) -> Result<std::string> {
    sys::HttpRequest request;
    request.url = url;
    request.timeout = Millis{10'000};
    request.max_body = 1U << 20U;
    if (!config.ca_file.empty()) request.ca_file = config.ca_file;
    sys::HttpClient client;
    TG_TRY(auto response, client.send(request));
    if (response.status / 100 != 2) {
      return fail(
          response.status / 100 == 5 ? Errc::kUnavailable : Errc::kDenied,
          fmt::format("SNS answered {} to GET {}", response.status, printable(url.substr(0, url.find('?')))));
    }
    return std::move(response.body);
  };
}

// A queue's messages, into the project that it is configured for.
class QueueIntake {
 public:
  QueueIntake(ServerConfig::Queue config, app::Server& server)
      : config_(std::move(config)), server_(server) {}

  Status take(const sqs::QueueMessage& message) const {
    TG_TRY(auto said, s3::parse_message(message.body));
    // There may be no such project yet: its creator is waited for, not the message lost.
    TG_TRY(const auto project, found_project());
    for (const auto& test : said.tests) {
      const std::string sent = test.sent_at ? ", sent " + format_iso8601(*test.sent_at) : "";
      TG_CHECK(note(project, app::ContactKind::kTest, test.bucket,
                    fmt::format("test event of {}{}", test.provider, sent)));
    }
    if (said.events.empty()) return {};
    for (auto& event : said.events) event.origin = dataset::Origin::kQueue;
    if (config_.source.empty()) {
      TG_CHECK(server_.announce_by_bucket(project, said.events));
    } else {
      TG_CHECK(server_.announce(project, config_.source, said.events));
    }
    return {};
  }

  void refused(const sqs::QueueMessage& message, const Error& why) const {
    const auto project = found_project();
    if (!project) return;
    const std::string detail = fmt::format("received {} times: {}", message.receive_count, why.message);
    if (const Status noted = note(*project, app::ContactKind::kRefused, printable(message.id), detail);
        !noted) {
      log::warn("sqs", "{}: {}", config_.queue_url, noted.error().message);
    }
  }

 private:
  Result<ProjectId> found_project() const {
    const auto project = server_.project(config_.project);
    if (project) return project->id;
    if (project.error().code != Errc::kNotFound) return project.error();
    return fail(Errc::kUnavailable, "there is no project " + config_.project);
  }
  Status note(ProjectId project, app::ContactKind kind, const std::string& subject,
              const std::string& detail) const {
    return server_.note({project, config_.source, kind, config_.queue_url, subject, detail, 1, {}, {}});
  }

  ServerConfig::Queue config_;
  app::Server& server_;
};

sqs::QueueSettings settings_of(const ServerConfig::Queue& queue, const ServerConfig& config) {
  sqs::QueueSettings out;
  out.url = queue.queue_url;
  out.region = queue.region.empty() ? config.s3.region : queue.region;
  const bool own = !queue.access_key.empty();
  out.credentials.access_key = own ? queue.access_key : config.s3.access_key;
  out.credentials.secret_key = own ? queue.secret_key : config.s3.secret_key;
  if (!queue.ca_file.empty()) out.ca_file = queue.ca_file;
  return out;
}

}  // namespace

IntakeParts::IntakeParts(const ServerConfig& config, const Clock& clock, app::Server& server)
    : server_(server), verify_sns_(config.sns.verify), sns_(fetch_of(config.sns), clock) {
  for (const auto& queue : config.sqs) {
    const auto intake = std::make_shared<QueueIntake>(queue, server_);
    queues_.push_back(std::make_unique<sqs::QueueReader>(
        settings_of(queue, config), clock,
        [intake](const sqs::QueueMessage& message) { return intake->take(message); },
        [intake](const sqs::QueueMessage& message, const Error& why) { intake->refused(message, why); }));
  }
}

http::api::HookReaders IntakeParts::hooks() {
  http::api::HookReaders out;
  out.parse = [](const std::string& body) { return s3::parse_message(body); };
  out.notified = [this](const std::string& body) -> Result<std::optional<std::string>> {
    if (!verify_sns_) return std::optional<std::string>();
    TG_TRY(const auto message, sns_.take(body));
    if (!message || message->kind == sns::Kind::kNotification) return std::optional<std::string>();
    return std::optional(message->topic);
  };
  return out;
}

void IntakeParts::start() {
  for (const auto& queue : queues_) queue->start();
}
void IntakeParts::stop() {
  for (const auto& queue : queues_) queue->stop();
}

}  // namespace tidegate::main
