#include "app/deploy/deploy_run.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "app/deploy/check_request.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "release/release_lease.h"

namespace tidegate::app {
namespace {

// These may be different next time; the request is to be sent again.
bool may_pass(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kConflict || code == Errc::kCanceled ||
         code == Errc::kInternal;
}

std::string seconds_since(const Clock& clock, Instant start) {
  return fmt::format("{:.1f} s", static_cast<double>((clock.now() - start).count()) / 1000.0);
}

std::string short_digest(const std::string& digest) {
  return digest.substr(0, std::min<std::size_t>(digest.size(), 19));
}

}  // namespace

void DeployRun::say(const std::string& line) const {
  if (tools_.on_progress) tools_.on_progress(line);
}

Result<DeployOutcome> DeployRun::give_up(std::string_view step, const Error& error) {
  if (leased_) {
    if (const auto dropped = session_->drop_lease(); !dropped)
      log::warn("deploy", "lease on {}: {}", request_.target.host, dropped.error().message);
  }
  if (may_pass(error.code)) return with_context(step, error);
  DeployOutcome outcome;
  outcome.digest = goal_.digest;
  outcome.failed_step = step;
  outcome.message = error.message;
  outcome.experiment_id = goal_.experiment;
  for (const auto& member : goal_.members)
    if (const auto it = host_facts_.links.find(member); it != host_facts_.links.end())
      outcome.previous = release::Layout::release_of(it->second);
  say(fmt::format("{} failed: {}", step, error.message));
  return outcome;
}

Status DeployRun::open() {
  TG_CHECK(check_target(request_.target));
  if (request_.deployment.empty() || request_.deployment.find('\n') != std::string::npos)
    return fail(Errc::kInvalid, "a deployment needs a name of one line");
  goal_.deployment = request_.deployment;
  goal_.members = request_.target.releases;
  TG_TRY(host_, tools_.hosts.connect(request_.target.host, tools_.stop));
  session_.emplace(*host_, request_.target, tools_.stop);
  TG_TRY(host_facts_, session_->look(false));
  facts_.journal = release::read_journal(host_facts_.journal);
  if (facts_.journal.damaged > 0)
    log::warn("deploy", "{}: {} damaged lines in the journal are passed over", request_.target.path,
              facts_.journal.damaged);
  return {};
}

const release::Attempt* DeployRun::finished() const {
  const auto* attempt = facts_.journal.find(goal_.deployment);
  return attempt != nullptr && attempt->is_final() ? attempt : nullptr;
}

bool DeployRun::before_flip() const {
  const auto* attempt = facts_.journal.find(goal_.deployment);
  return attempt == nullptr || attempt->phase == release::Op::kBegin || attempt->phase == release::Op::kReady;
}

Status DeployRun::take_lease() {
  TG_CHECK(release::may_take(host_facts_.lease, goal_.deployment, host_facts_.now, facts_.journal));
  TG_TRY(host_facts_, session_->take_lease(host_facts_.lease, goal_.deployment));
  leased_ = true;
  facts_.journal = release::read_journal(host_facts_.journal);
  facts_.links = host_facts_.links;
  return {};
}

// A deployment that goes on keeps the image that it began with, wherever the tag points now.
Status DeployRun::resolve(Inspected inspected) {
  if (const auto* begun = facts_.journal.find(goal_.deployment); begun != nullptr) {
    goal_.release = begun->record.release;
    goal_.digest = begun->record.digest;
    goal_.commit = begun->record.commit;
    goal_.experiment = begun->record.experiment;
    say(fmt::format("going on with release {}", goal_.release));
    return {};
  }
  TG_TRY(const auto image, inspected.get());
  goal_.digest = image.digest;
  goal_.commit = request_.commit;
  TG_CHECK(check_image(request_, image));
  goal_.release = release::make_release_id(tools_.clock.now(), goal_.commit, goal_.digest);
  say(fmt::format("{}:{} is {}", request_.repository, request_.reference, short_digest(goal_.digest)));
  return {};
}

Status DeployRun::prepare_host() {
  TG_TRY(python_, session_->preflight());
  if (request_.target.mlflow && goal_.experiment.empty()) {
    TG_TRY(goal_.experiment, session_->mlflow_experiment());
    say(goal_.experiment == "none" ? "MLflow answers; the first run will make the experiment"
                                   : fmt::format("MLflow answers; experiment {}", goal_.experiment));
  }
  return {};
}

// Registry and host are asked side by side: neither needs the other's answer before files go over.
Result<DeployOutcome> DeployRun::deploy() {
  auto inspected = std::async(std::launch::async, [this] {
    return tools_.registry.inspect(request_.repository + ":" + request_.reference);
  });
  if (auto opened = open(); !opened) return give_up("lease", opened.error());
  if (const auto* done = finished(); done != nullptr) return outcome_of(*done);
  // Said early, before anything large is pulled for nothing.
  if (auto free = release::may_take(host_facts_.lease, goal_.deployment, host_facts_.now, facts_.journal);
      !free)
    return give_up("lease", free.error());
  if (auto resolved = resolve(std::move(inspected)); !resolved) return give_up("resolve", resolved.error());
  if (before_flip() && !installed_everywhere()) {
    staged_ = std::async(std::launch::async, [this, digest = goal_.digest] {
      return make_staging(tools_.registry, request_, digest, tools_.scratch, tools_.stop);
    });
  }
  if (auto leased = take_lease(); !leased) return give_up("lease", leased.error());
  if (before_flip()) {
    step_ = "preflight";
    if (auto ready = prepare_host(); !ready)
      if (auto noted = note_failure(ready.error()); !noted) return give_up("preflight", noted.error());
  }
  return carry_out();
}

Result<DeployOutcome> DeployRun::roll_back(const std::string& to) {
  goal_.roll_back = true;
  if (auto opened = open(); !opened) return give_up("lease", opened.error());
  if (const auto* done = finished(); done != nullptr) return outcome_of(*done);
  if (auto leased = take_lease(); !leased) return give_up("lease", leased.error());
  const auto* begun = facts_.journal.find(goal_.deployment);
  goal_.release = begun != nullptr ? begun->record.release : choose_rollback(to);
  if (!release::is_release_id(goal_.release))
    return give_up("flip",
                   fail(Errc::kNotFound, to.empty() ? "no release was live before this one"
                                                    : fmt::format("'{}' is not a release", printable(to))));
  say(fmt::format("going back to {}", goal_.release));
  return carry_out();
}

std::string DeployRun::choose_rollback(const std::string& to) const {
  if (!to.empty()) return to;
  const auto link = host_facts_.links.find(goal_.members.front());
  return release::release_before(
      facts_.journal, link == host_facts_.links.end() ? "" : release::Layout::release_of(link->second));
}

bool DeployRun::installed_everywhere() const {
  return std::ranges::all_of(goal_.members, [&](const auto& member) {
    return std::ranges::any_of(host_facts_.stored, [&](const auto& stored) {
      return stored.member == member && stored.release == goal_.release && stored.state != "building";
    });
  });
}

Result<DeployOutcome> DeployRun::carry_out() {
  for (const auto& stored : host_facts_.stored)
    if (stored.release == goal_.release && stored.state != "building") facts_.installed.insert(stored.member);
  if (const auto* attempt = facts_.journal.find(goal_.deployment); attempt != nullptr && attempt->is_open())
    session_->ignore_stop();
  // Far more than any history needs: a fault in the rules must not become an endless loop on a host.
  for (int i = 0; i < 100; ++i) {
    const auto action = release::next(goal_, facts_);
    if (const auto* end = std::get_if<release::Finished>(&action)) {
      close(end->attempt);
      return outcome_of(end->attempt);
    }
    if (auto done = perform(action); !done) {
      if (auto noted = note_failure(done.error()); !noted) return give_up(step_, noted.error());
    }
  }
  return fail(Errc::kInternal, "the deployment does not come to an end");
}

// A step that cannot succeed: before the flip that ends the deployment, after it the way back begins. Going
// back must not be given up, so there every failure is one to try again.
Status DeployRun::note_failure(const Error& error) {
  const auto* attempt = facts_.journal.find(goal_.deployment);
  if (may_pass(error.code)) return error;
  if (attempt == nullptr || attempt->is_final()) return error;
  if (attempt->phase == release::Op::kUndo || goal_.roll_back) return fail(Errc::kUnavailable, error.message);
  release::Record record;
  record.op = attempt->phase == release::Op::kFlip ? release::Op::kUndo : release::Op::kFailed;
  record.deployment = goal_.deployment;
  record.release = goal_.release;
  record.step = step_;
  record.reason = error.message;
  return write(record);
}

Status DeployRun::perform(const release::Action& action) {
  if (const auto* record = std::get_if<release::WriteRecord>(&action)) return write(record->record);
  if (const auto* point = std::get_if<release::Point>(&action)) {
    step_ = "flip";
    TG_CHECK(session_->point(point->links));
    for (const auto& [member, link] : point->links) facts_.links[member] = link;
    const auto* attempt = facts_.journal.last_attempt();
    const bool back = attempt != nullptr && attempt->phase == release::Op::kUndo;
    say(back ? "all releases flipped back"
             : fmt::format("{} flipped to {}", join(goal_.members, ", "), goal_.release));
    return {};
  }
  if (std::holds_alternative<release::Install>(action)) {
    step_ = "install";
    TG_CHECK(install());
    facts_.installed.insert(goal_.members.begin(), goal_.members.end());
    return {};
  }
  if (std::holds_alternative<release::RunSmoke>(action)) {
    step_ = "smoke";
    const auto& command = request_.target.smoke;
    TG_TRY(facts_.smoke, verify("new", command.empty() ? "python -c pass" : command));
    return {};
  }
  step_ = "health";
  if (facts_.health = std::string(); !request_.target.check.empty()) {
    TG_TRY(facts_.health, verify("live", request_.target.check));
  }
  if (facts_.health->empty() && request_.target.mlflow && !goal_.roll_back) facts_.health = same_experiment();
  return {};
}

Status DeployRun::write(const release::Record& record) {
  if (record.op == release::Op::kFlip) {
    if (request_.on_flip) TG_CHECK(request_.on_flip(goal_.release, goal_.digest));
    session_->ignore_stop();
  }
  release::Record timed = record;
  timed.at = format_iso8601(tools_.clock.now());
  const auto line = release::write_record(timed);
  TG_CHECK(session_->append(line));
  host_facts_.journal += "\n" + line + "\n";
  facts_.journal = release::read_journal(host_facts_.journal);
  if (record.op == release::Op::kUndo) say(fmt::format("not healthy: {}", record.reason));
  if (record.op == release::Op::kUndone || record.op == release::Op::kFailed)
    return session_->mark(record.release, record.op == release::Op::kUndone ? "rolled_back" : "failed");
  if (record.op == release::Op::kLive && record.roll_back) return session_->mark(record.release, "ready");
  return {};
}

Status DeployRun::check_space() const {
  // Wheels unpack to about three times their size, once; the rest is copied for each member.
  const auto needed =
      staging_->bytes * (request_.target.releases.size() + 1) + staging_->wheel_bytes * 5 + (64ULL << 20U);
  if (python_.free_bytes >= needed) return {};
  return fail(Errc::kFailed, fmt::format("{} has {} MB free, and this release may need {} MB",
                                         request_.target.path, python_.free_bytes >> 20U, needed >> 20U));
}

Status DeployRun::take_staging() {
  if (!staged_.valid()) return fail(Errc::kInternal, "no image was pulled");
  auto staged = staged_.get();
  if (!staged) {
    const auto code = staged.error().code;
    step_ = code == Errc::kNotFound || code == Errc::kInvalid ? "extract" : "pull";
    return staged.error();
  }
  staging_.emplace(std::move(*staged));
  return {};
}

Status DeployRun::install() {
  const auto start = tools_.clock.now();
  TG_CHECK(take_staging());
  TG_CHECK(check_space());
  TG_CHECK(write_member_files(*staging_, request_, goal_.digest, goal_.release));
  const auto key = sha256_hex(staging_->lock_sha256 + "\n" + python_.identity).substr(0, 32);
  if (python_.packages.contains(key)) TG_CHECK(sys::remove_tree(staging_->upload() / "wheels"));
  TG_CHECK(session_->upload(staging_->upload(), goal_.release));
  say(fmt::format("files picked from the image and sent ({})", seconds_since(tools_.clock, start)));
  return session_->install(python_, key, goal_.release, [&](std::string_view line) {
    say(fmt::format("{} ({})", printable(line), seconds_since(tools_.clock, start)));
  });
}

// An empty text when all members pass; else what each that fails said last.
Result<std::string> DeployRun::verify(std::string_view which, const std::string& command) {
  const auto start = tools_.clock.now();
  TG_TRY(const auto verdicts, session_->verify(which, goal_.release, command));
  std::vector<std::string> faults;
  for (const auto& verdict : verdicts) {
    const std::string last = verdict.log.empty() ? "" : verdict.log.back();
    if (verdict.exit_code == 0) {
      say(fmt::format("{}: {} passed{}{}", verdict.member, step_, last.empty() ? "" : ": ", last));
      continue;
    }
    // timeout(1) says 124.
    const std::string how =
        verdict.exit_code == 124
            ? fmt::format("no end after {}", format_duration(request_.target.check_timeout))
            : fmt::format("exit {}", verdict.exit_code);
    faults.push_back(fmt::format("{}: {}{}{}", verdict.member, how, last.empty() ? "" : ": ", last));
    for (const auto& line : verdict.log) say(fmt::format("{}: | {}", verdict.member, line));
    say(fmt::format("{}: {} failed ({})", verdict.member, step_, how));
  }
  log::debug("deploy", "{} took {}", step_, seconds_since(tools_.clock, start));
  return join(faults, "; ");
}

// After the flip, MLflow must be the one that it was: a release that would send its runs elsewhere is
// unhealthy.
std::string DeployRun::same_experiment() {
  const auto now = session_->mlflow_experiment();
  if (!now) return now.error().message;
  if (goal_.experiment != "none" && *now != goal_.experiment)
    return fmt::format("runs would go to MLflow's experiment {} and not to {} as before", *now,
                       goal_.experiment);
  if (goal_.experiment == "none") goal_.experiment = *now;
  return {};
}

}  // namespace tidegate::app
