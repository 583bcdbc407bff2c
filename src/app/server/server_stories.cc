// The history of deliveries, told at length: who, when, from what, and why it is not live.
#include <set>
#include <utility>

#include "app/server/delivery_words.h"
#include "app/server/server.h"
#include "base/text.h"

namespace tidegate::app {

Result<std::vector<DeliveryStory>> Server::stored_stories(ProjectId project, const std::string& target,
                                                          std::int64_t limit) {
  return ports_.loop.call([&]() -> Result<std::vector<DeliveryStory>> {
    TG_TRY(const auto deliveries, ports_.store.deliveries(project, target, limit));
    std::vector<DeliveryStory> stories;
    std::set<std::pair<DeliveryKind, std::string>> live;
    for (const Delivery& delivery : deliveries) {  // newest first
      DeliveryStory story;
      story.delivery = delivery;
      story.is_live = delivery.state == kLive && live.insert({delivery.kind, delivery.target}).second;
      if (delivery.pipeline) {
        TG_TRY(story.pipeline, ports_.store.pipeline(delivery.pipeline));
      }
      if (story.pipeline && story.pipeline->version) {
        TG_TRY(story.version, ports_.store.version(story.pipeline->version));
      }
      stories.push_back(std::move(story));
    }
    return stories;
  });
}

Result<std::vector<DeliveryStory>> Server::stories(ProjectId id, const std::string& target,
                                                   std::int64_t limit) {
  TG_TRY(auto stories, stored_stories(id, target, limit));
  TG_TRY(const auto project, ports_.loop.call([&] { return ports_.store.project(id); }));
  if (!project) return fail(Errc::kNotFound, "no such project");
  const auto repository = ports_.repository(*project);
  if (!repository) return stories;
  for (DeliveryStory& story : stories) {
    if (!story.pipeline) continue;
    const auto commit = (*repository)->commit(story.pipeline->sha);
    if (!commit) continue;
    story.author = printable(commit->author_name);
    story.title = printable(commit->message.substr(0, commit->message.find('\n')));
  }
  return stories;
}

}  // namespace tidegate::app
