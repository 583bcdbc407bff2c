// Lints about images: which one runs, who made it, and who may push it.
#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

/// The tag of an image's name, or nothing; an empty view when the name has none.
std::optional<std::string_view> tag_of(std::string_view name) {
  if (name.contains('$') || name.contains('@')) return std::nullopt;
  const auto slash = name.rfind('/');
  const std::string_view last = name.substr(slash == std::string_view::npos ? 0 : slash + 1);
  const auto colon = last.find(':');
  return colon == std::string_view::npos ? std::string_view() : last.substr(colon + 1);
}

void find_tag(Subject& subject, Warnings& out, std::string_view wanted, std::string_view what,
              const char* hint) {
  std::set<std::string_view> told;
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->image) continue;
    const std::string& name = reading.job->image->name;
    if (tag_of(name) == wanted && told.insert(name).second)
      out.add(reading.job->place, reading.job->name,
              fmt::format("Image {} {}, whatever that is on the day", printable(name), what), hint);
  }
}

struct Images {
  std::set<std::string> built;
  bool pushes = false;
  bool gets = false;  ///< pulls, loads or builds any
};

Images images_of(const Reading& reading) {
  Images images;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands) {
      const bool builds = is_docker(command, "build");
      images.pushes = images.pushes || is_docker(command, "push") || command.has("--push");
      images.gets = images.gets || builds || is_docker(command, "pull") || is_docker(command, "load") ||
                    is_docker(command, "import");
      for (std::size_t i = 2; builds && i + 1 < command.words.size(); ++i)
        if (command.words[i] == "-t" || command.words[i] == "--tag")
          images.built.insert(command.words[i + 1]);
    }
  return images;
}

bool logs_in_elsewhere(const Subject& subject, const Reading& reading) {
  return reading.mentions_any(
             {"login", "DOCKER_AUTH_CONFIG", "config.json", "credential", "/bin/", ".sh", "make "}) ||
         subject.sets_variable(*reading.job, "CI_REGISTRY") || has_own_registry(*reading.job);
}

}  // namespace

void find_image_without_tag(Subject& subject, Warnings& out) {
  find_tag(subject, out, "", "has no tag, so it is latest", "Name the version that the job was tried with.");
}

void find_image_latest(Subject& subject, Warnings& out) {
  find_tag(subject, out, "latest", "is named by the tag latest",
           "Name the version that the job was tried with, or its digest.");
}

void find_latest_before_test(Subject& subject, Warnings& out) {
  const Reading* last = nullptr;  // of the tests
  for (const Reading& reading : subject.jobs)
    if ((to_lower(reading.job->name).contains("test") || to_lower(reading.job->stage).contains("test")) &&
        (last == nullptr || reading.stage > last->stage))
      last = &reading;
  for (const Reading& reading : subject.jobs) {
    if (last == nullptr || reading.stage >= last->stage) continue;
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands)
        if (is_docker(command, "push") && command.words.back().ends_with(":latest"))
          out.add(*line.place, reading.job->name,
                  fmt::format("{} pushes {} before {} has tested it", name_of(reading),
                              printable(command.words.back()), name_of(*last)),
                  "Push the commit's own tag here; move `latest` when the tests have passed.");
  }
}

void find_push_without_login(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (logs_in_elsewhere(subject, reading)) continue;
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands)
        if (is_docker(command, "push") && command.words.back().starts_with("$CI_REGISTRY"))
          out.add(*line.place, reading.job->name,
                  fmt::format("{} pushes to a registry without a login", name_of(reading)),
                  "Log in first: echo \"$CI_REGISTRY_PASSWORD\" | docker login -u \"$CI_REGISTRY_USER\" "
                  "--password-stdin \"$CI_REGISTRY\".");
  }
}

void find_image_of_other_job(Subject& subject, Warnings& out) {
  std::map<std::string, const Reading*> kept;  // built and not pushed
  std::vector<Images> all;
  for (const Reading& reading : subject.jobs) {
    all.push_back(images_of(reading));
    if (!all.back().pushes)
      for (const std::string& image : all.back().built) kept.emplace(image, &reading);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Reading& reading = subject.jobs[i];
    if (all[i].gets || kept.empty()) continue;
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        if (!is_docker(command, "run")) continue;
        const auto image =
            std::ranges::find_if(command.words, [&](const std::string& word) { return kept.contains(word); });
        if (image == command.words.end() || kept[*image]->stage > reading.stage) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} runs {}, which {} built and did not push", name_of(reading),
                            printable(*image), name_of(*kept[*image])),
                "Each docker:dind job of GitLab starts with no images. Push it there and pull it here. "
                "(Within one Tidegate pipeline the image is there.)");
      }
  }
}

void find_dind_without_tls(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    const bool dind = std::ranges::any_of(job.services, [](const config::Service& service) {
      return service.image.name.starts_with("docker:") && service.image.name.contains("dind") &&
             !service.command;
    });
    if (!dind || subject.variable(job, "DOCKER_TLS_CERTDIR") || reading.mentions("DOCKER_HOST")) continue;
    const auto host = subject.variable(job, "DOCKER_HOST");
    if (host && host->ends_with(":2375"))
      out.add(job.place, job.name,
              fmt::format("{} talks to docker:dind on port 2375, where nothing listens: since version 19 "
                          "the service speaks TLS on 2376",
                          name_of(reading)),
              "Set DOCKER_TLS_CERTDIR: \"\" to go on without TLS, or DOCKER_HOST: tcp://docker:2376 with "
              "DOCKER_TLS_CERTDIR: /certs.");
  }
}

}  // namespace tidegate::pipeline::lints
