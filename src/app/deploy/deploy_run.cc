#include "app/deploy/deploy_run.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/deploy/check_request.h"
#include "app/deploy/errors.h"
#include "base/log.h"
#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr Seconds kRenewEvery{20};

std::string short_digest(const std::string& digest) {
  return digest.substr(0, std::min<std::size_t>(digest.size(), 19));
}

bool flips(const release::Action& action) {
  const auto* write = std::get_if<release::WriteRecord>(&action);
  return write != nullptr && write->record.op == release::Op::kFlip;
}

}  // namespace

void DeployRun::say(const std::string& line) const {
  const std::lock_guard one_at_a_time(saying_);
  if (tools_.on_progress) tools_.on_progress(line);
}

Error DeployRun::of_host(const HostRun& host, Error error) const {
  return request_.target.hosts.size() == 1 ? error : with_context(host.url(), std::move(error));
}

Result<DeployOutcome> DeployRun::give_up(std::string_view step, const Error& error) {
  for (const auto& host : hosts_) host->drop_lease();
  if (may_pass(error.code)) return with_context(step, error);
  DeployOutcome outcome;
  outcome.digest = goal_.digest;
  outcome.failed_step = step;
  outcome.message = error.message;
  if (!hosts_.empty()) {
    outcome.experiment_id = hosts_.front()->experiment();
    outcome.previous = hosts_.front()->live_release();
  }
  say(fmt::format("{} failed: {}", step, error.message));
  return outcome;
}

// Side by side; the first error in the hosts' order. Leases of those that are done early are kept alive.
Status DeployRun::on_all(const Step& step) {
  std::vector<std::future<Status>> running;
  running.reserve(hosts_.size());
  for (const auto& host : hosts_)
    running.push_back(std::async(std::launch::async, [&step, &host] { return step(*host); }));
  for (std::size_t i = 0; i < running.size(); ++i) {
    while (running[i].wait_for(kRenewEvery) != std::future_status::ready) {
      for (std::size_t other = 0; other < running.size(); ++other)
        if (other != i && running[other].wait_for(Seconds{0}) == std::future_status::ready)
          if (const auto kept = hosts_[other]->renew(); !kept)
            log::warn("deploy", "lease on {}: {}", hosts_[other]->url(), kept.error().message);
    }
  }
  Status first;
  for (std::size_t i = 0; i < running.size(); ++i)
    if (auto done = running[i].get(); !done && first) {
      first = of_host(*hosts_[i], done.error());
      failed_ = i;
    }
  return first;
}

Status DeployRun::prepare() {
  TG_CHECK(check_target(request_.target));
  if (request_.deployment.empty() || request_.deployment.find_first_of("\n ") != std::string::npos)
    return fail(Errc::kInvalid, "a deployment needs a name of one word");
  goal_.deployment = request_.deployment;
  goal_.members = request_.target.releases;
  const bool one = request_.target.hosts.size() == 1;
  for (const auto& url : request_.target.hosts)
    hosts_.push_back(std::make_unique<HostRun>(
        common_, url,
        [this, prefix = one ? std::string() : url.substr(url.find("//") + 2) + ": "](
            const std::string& line) { say(prefix + line); }));
  return {};
}

Status DeployRun::open() {
  TG_CHECK(prepare());
  return on_all([&](HostRun& host) { return host.open(tools_.hosts, tools_.stop); });
}

const release::Attempt* DeployRun::begun() const {
  for (const auto& host : hosts_)
    if (const auto* attempt = host->attempt(); attempt != nullptr) return attempt;
  return nullptr;
}

std::optional<DeployOutcome> DeployRun::finished() const {
  std::vector<release::Attempt> attempts;
  for (const auto& host : hosts_) {
    const auto* attempt = host->attempt();
    if (attempt == nullptr || !attempt->is_final()) return std::nullopt;
    attempts.push_back(*attempt);
  }
  return outcome_of(release::conclude(attempts));
}

// In the order of the target: who has the canary's lease gets the others' too.
Status DeployRun::take_leases() {
  for (const auto& host : hosts_)
    if (auto taken = host->take_lease(); !taken) return of_host(*host, taken.error());
  return {};
}

// A deployment that goes on keeps the image that it began with, wherever the tag points now.
Status DeployRun::resolve(Inspected inspected) {
  if (const auto* attempt = begun(); attempt != nullptr) {
    goal_.release = attempt->record.release;
    goal_.digest = attempt->record.digest;
    goal_.commit = attempt->record.commit;
    say(fmt::format("going on with release {}", goal_.release));
    return {};
  }
  TG_TRY(image_, inspected.get());
  goal_.digest = image_.digest;
  goal_.commit = request_.commit;
  TG_CHECK(check_image(request_, image_));
  goal_.release = release::make_release_id(tools_.clock.now(), goal_.commit, goal_.digest);
  say(fmt::format("{}:{} is {}", request_.repository, request_.reference, short_digest(goal_.digest)));
  return {};
}

// Registry and hosts are asked side by side: neither needs the other's answer before files go over.
Result<DeployOutcome> DeployRun::deploy() {
  auto inspected = std::async(std::launch::async, [this] {
    return tools_.registry.inspect(request_.repository + ":" + request_.reference);
  });
  if (auto opened = open(); !opened) return give_up("lease", opened.error());
  if (auto done = finished()) return *done;
  // Said early, before anything large is pulled for nothing.
  for (const auto& host : hosts_)
    if (auto free = host->may_take_lease(); !free) return give_up("lease", of_host(*host, free.error()));
  if (auto resolved = resolve(std::move(inspected)); !resolved) return give_up("resolve", resolved.error());
  if (std::ranges::any_of(hosts_,
                          [](const auto& h) { return h->before_flip() && !h->installed_everywhere(); })) {
    staged_ = std::async(std::launch::async, [this, digest = goal_.digest] {
      return make_staging(tools_.registry, request_, digest, tools_.scratch, tools_.stop);
    });
  }
  if (auto leased = take_leases(); !leased) return give_up("lease", leased.error());
  if (auto ready = look_at_hosts(); !ready) return give_up("preflight", ready.error());
  return carry_out();
}

Status DeployRun::look_at_hosts() {
  return on_all([&](HostRun& host) -> Status {
    auto ready = host.preflight();
    if (ready && host.before_flip()) ready = host.fits(image_);
    return ready ? ready : host.note_failure(ready.error());
  });
}

Result<DeployOutcome> DeployRun::roll_back(const std::string& to) {
  goal_.roll_back = true;
  if (auto opened = open(); !opened) return give_up("lease", opened.error());
  if (auto done = finished()) return *done;
  if (auto leased = take_leases(); !leased) return give_up("lease", leased.error());
  const auto& canary = *hosts_.front();
  goal_.release = !to.empty() ? to : release::release_before(canary.facts().journal, canary.live_release());
  if (const auto* attempt = begun(); attempt != nullptr) goal_.release = attempt->record.release;
  if (!release::is_release_id(goal_.release))
    return give_up("flip",
                   fail(Errc::kNotFound, to.empty() ? "no release was live before this one"
                                                    : fmt::format("'{}' is not a release", printable(to))));
  say(fmt::format("going back to {}", goal_.release));
  if (auto ready = look_at_hosts(); !ready) return give_up("flip", ready.error());
  return carry_out();
}

Result<DeployOutcome> DeployRun::carry_out() {
  // Far more than any history needs: a fault in the rules must not become an endless loop on a host.
  for (int i = 0; i < 200; ++i) {
    std::vector<release::Facts> facts;
    for (const auto& host : hosts_) facts.push_back(host->facts());
    const auto actions = release::next_on_hosts(goal_, facts);
    std::vector<release::Attempt> ended;
    for (const auto& action : actions)
      if (const auto* end = std::get_if<release::Finished>(&action)) ended.push_back(end->attempt);
    if (ended.size() == hosts_.size()) {
      const auto outcome = outcome_of(release::conclude(ended));
      TG_CHECK(on_all([&](HostRun& host) -> Status {
        if (host.attempt() != nullptr) host.close(*host.attempt(), outcome);
        return {};
      }));
      return outcome;
    }
    if (auto done = wave(actions); !done) return give_up(hosts_[failed_]->step(), done.error());
  }
  return fail(Errc::kInternal, "the deployment does not come to an end");
}

// One step on each host that has one.
Status DeployRun::wave(const std::vector<release::Action>& actions) {
  const auto ready = before_wave(actions);
  return on_all([&](HostRun& host) -> Status {
    const auto at = static_cast<std::size_t>(
        std::ranges::find(hosts_, &host, [](const auto& one) { return one.get(); }) - hosts_.begin());
    const auto& action = actions[at];
    if (std::holds_alternative<release::Wait>(action) || std::holds_alternative<release::Finished>(action))
      return {};
    const bool needs = flips(action) || std::holds_alternative<release::Install>(action);
    const auto done = needs && !ready ? Status(ready.error()) : host.perform(action);
    if (done) return {};
    return host.note_failure(done.error(), needs && !ready ? common_step_ : "");
  });
}

// What is done once for all hosts: the image is there before the first installs; and before the first link
// moves it is written down that a release may be live.
Status DeployRun::before_wave(const std::vector<release::Action>& actions) {
  const bool installs = std::ranges::any_of(
      actions, [](const auto& action) { return std::holds_alternative<release::Install>(action); });
  if (installs && !staging_) TG_CHECK(take_staging());
  if (!announced_ && !goal_.abandon && std::ranges::any_of(actions, flips)) {
    announced_ = true;
    common_step_ = "flip";
    if (request_.on_flip) TG_CHECK(request_.on_flip(goal_.release, goal_.digest));
  }
  return {};
}

Status DeployRun::take_staging() {
  if (!staged_.valid()) return fail(Errc::kInternal, "no image was pulled");
  auto staged = staged_.get();
  if (!staged) {
    const auto code = staged.error().code;
    common_step_ = code == Errc::kNotFound || code == Errc::kInvalid ? "extract" : "pull";
    return staged.error();
  }
  staging_.emplace(std::move(*staged));
  TG_CHECK(write_member_files(*staging_, request_, goal_.digest, goal_.release));
  common_.staging = &*staging_;
  return {};
}

}  // namespace tidegate::app
