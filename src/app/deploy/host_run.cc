#include "app/deploy/host_run.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "app/deploy/errors.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "release/host_fit.h"
#include "release/journal_line.h"
#include "release/release_lease.h"
#include "release/release_retention.h"

namespace tidegate::app {
namespace {

std::string seconds_since(const Clock& clock, Instant start) {
  return fmt::format("{:.1f} s", static_cast<double>((clock.now() - start).count()) / 1000.0);
}

std::int64_t in_seconds(Instant instant) {
  return std::chrono::duration_cast<Seconds>(instant.time_since_epoch()).count();
}

}  // namespace

Status HostRun::open(TargetHosts& hosts, const sys::StopFlag* stop) {
  TG_TRY(host_, hosts.connect(url_, stop));
  session_.emplace(*host_, target(), stop);
  const auto before = in_seconds(common_.clock.now());
  TG_TRY(host_facts_, session_->look(false));
  host_facts_.skew = release::clock_skew(before, host_facts_.now, in_seconds(common_.clock.now()));
  facts_.journal = release::read_journal(host_facts_.journal);
  if (facts_.journal.damaged > 0)
    log::warn("deploy", "{}: {} damaged lines in the journal are passed over", target().path,
              facts_.journal.damaged);
  return {};
}

bool HostRun::before_flip() const {
  const auto* ours = attempt();
  return ours == nullptr || ours->phase == release::Op::kBegin || ours->phase == release::Op::kReady;
}

std::string HostRun::live_release() const {
  const auto link = host_facts_.links.find(common_.goal.members.front());
  return link == host_facts_.links.end() ? "" : release::Layout::release_of(link->second);
}

Status HostRun::may_take_lease() const {
  return release::may_take(host_facts_.lease, common_.goal.deployment, host_facts_.now, facts_.journal);
}

Status HostRun::take_lease() {
  TG_CHECK(may_take_lease());
  const auto skew = host_facts_.skew;
  TG_TRY(host_facts_, session_->take_lease(host_facts_.lease, common_.goal.deployment));
  host_facts_.skew = skew;
  leased_ = true;
  facts_.journal = release::read_journal(host_facts_.journal);
  facts_.links = host_facts_.links;
  if (const auto* ours = attempt(); ours != nullptr) {
    experiment_ = ours->record.experiment;
    if (ours->is_open()) ignore_stop();
  }
  return {};
}

Status HostRun::renew() {
  return leased_ ? session_->renew() : Status();
}

void HostRun::drop_lease() {
  if (!leased_) return;
  leased_ = false;
  if (const auto dropped = session_->drop_lease(); !dropped)
    log::warn("deploy", "lease on {}: {}", url_, dropped.error().message);
}

bool HostRun::installed_everywhere() const {
  return std::ranges::all_of(common_.goal.members, [&](const auto& member) {
    return std::ranges::any_of(host_facts_.stored, [&](const auto& stored) {
      return stored.member == member && stored.release == common_.goal.release && stored.state != "building";
    });
  });
}

Status HostRun::preflight() {
  step_ = "preflight";
  for (const auto& stored : host_facts_.stored)
    if (stored.release == common_.goal.release && stored.state != "building")
      facts_.installed.insert(stored.member);
  if (common_.goal.roll_back || !before_flip()) return {};
  TG_CHECK(release::check_clock(host_facts_.skew));
  TG_TRY(python_, session_->preflight());
  if (!python_.env_before.empty() && python_.env_before != python_.env_sha256)
    say_(target().env + " was changed since the live release was made");
  if (target().mlflow && experiment_.empty()) {
    TG_TRY(experiment_, session_->mlflow_experiment());
    say_(experiment_ == "none" ? "MLflow answers; the first run will make the experiment"
                               : fmt::format("MLflow answers; experiment {}", experiment_));
  }
  return {};
}

Status HostRun::fits(const ImageInfo& image) const {
  return release::check_labels(image.labels, python_.abi);
}

Status HostRun::perform(const release::Action& action) {
  if (const auto* record = std::get_if<release::WriteRecord>(&action)) return write(record->record);
  if (const auto* links = std::get_if<release::Point>(&action)) return point(links->links);
  if (std::holds_alternative<release::Install>(action)) {
    step_ = "install";
    TG_CHECK(install());
    facts_.installed.insert(common_.goal.members.begin(), common_.goal.members.end());
    return {};
  }
  if (std::holds_alternative<release::RunSmoke>(action)) {
    step_ = "smoke";
    TG_TRY(facts_.smoke, verify("new", target().smoke.empty() ? "python -c pass" : target().smoke));
    return {};
  }
  step_ = "health";
  TG_TRY(facts_.health, health());
  return {};
}

Status HostRun::look_again() {
  TG_TRY(const auto seen, session_->look(false));
  facts_.links = seen.links;
  return {};
}

Status HostRun::point(const release::Links& links) {
  step_ = "flip";
  if (const auto set = session_->point(links); !set) {
    // Some may have moved, and what goes back must know which.
    if (const auto seen = look_again(); !seen) return fail(Errc::kUnavailable, set.error().message);
    return set.error();
  }
  for (const auto& [member, link] : links) facts_.links[member] = link;
  const auto* last = facts_.journal.last_attempt();
  say_(last != nullptr && last->phase == release::Op::kUndo
           ? "all releases flipped back"
           : fmt::format("{} flipped to {}", join(common_.goal.members, ", "), common_.goal.release));
  return {};
}

Status HostRun::note_failure(const Error& error, const std::string& step) {
  if (!step.empty()) step_ = step;
  const auto* ours = attempt();
  if (may_pass(error.code)) return error;
  if (ours == nullptr || ours->is_final()) return error;
  if (ours->phase == release::Op::kUndo || common_.goal.roll_back)
    return fail(Errc::kUnavailable, error.message);
  const bool open = ours->is_open();
  release::Record record;
  record.op = open ? release::Op::kUndo : release::Op::kFailed;
  record.deployment = common_.goal.deployment;
  record.release = common_.goal.release;
  record.step = step_;
  record.reason = error.message;
  const auto noted = write(record);
  // What has flipped is not over before the host says so.
  if (!noted && open) return fail(Errc::kUnavailable, noted.error().message);
  return noted;
}

Status HostRun::write(const release::Record& record) {
  if (record.op == release::Op::kFlip) session_->ignore_stop();
  release::Record timed = record;
  timed.at = format_iso8601(common_.clock.now());
  if (record.op == release::Op::kBegin && !common_.goal.roll_back) timed.experiment = experiment_;
  const auto line = release::write_record(timed);
  TG_CHECK(session_->append(line));
  host_facts_.journal += "\n" + line + "\n";
  facts_.journal = release::read_journal(host_facts_.journal);
  if (record.op == release::Op::kUndo) say_(fmt::format("not healthy: {}", record.reason));
  std::string state;
  if (record.op == release::Op::kUndone) state = "rolled_back";
  if (record.op == release::Op::kFailed) state = "failed";
  if (record.op == release::Op::kLive && record.roll_back) state = "ready";
  if (state.empty() || is_marked(record.release, state)) return {};
  // For people only: the journal has it.
  if (const auto marked = session_->mark(record.release, state); !marked) {
    if (marked.error().code == Errc::kConflict) return marked.error();
    log::warn("deploy", "{}: {}", url_, marked.error().message);
  }
  return {};
}

bool HostRun::is_marked(const std::string& release, const std::string& state) const {
  return std::ranges::all_of(host_facts_.stored, [&](const auto& stored) {
    return stored.release != release || stored.state == state;
  });
}

Status HostRun::check_space() const {
  const auto& staging = *common_.staging;
  const auto need = release::room_needed({.files = staging.files,
                                          .bytes = staging.bytes,
                                          .wheels = staging.wheels.size(),
                                          .wheel_bytes = staging.wheel_bytes,
                                          .members = target().releases.size()});
  return release::check_room(need, {python_.free_bytes, python_.free_inodes}, target().path);
}

Status HostRun::install() {
  const auto start = common_.clock.now();
  const auto& staging = *common_.staging;
  TG_CHECK(release::check_wheels(staging.lock, staging.wheels, python_.abi));
  TG_CHECK(check_space());
  const auto key = sha256_hex(staging.lock_sha256 + "\n" + python_.identity).substr(0, 32);
  TG_CHECK(session_->upload(staging.upload(), common_.goal.release));
  if (!python_.packages.contains(key)) TG_CHECK(session_->upload(staging.packages(), common_.goal.release));
  say_(fmt::format("files picked from the image and sent ({})", seconds_since(common_.clock, start)));
  return session_->install(python_, key, common_.goal.release, [&](std::string_view line) {
    say_(fmt::format("{} ({})", printable(line), seconds_since(common_.clock, start)));
  });
}

// An empty text when all members pass; else what each that fails said last.
Result<std::string> HostRun::verify(std::string_view which, const std::string& command) {
  const auto start = common_.clock.now();
  TG_TRY(const auto verdicts, session_->verify(which, common_.goal.release, command));
  std::vector<std::string> faults;
  for (const auto& verdict : verdicts) {
    const std::string last = verdict.log.empty() ? "" : verdict.log.back();
    if (verdict.exit_code == 0) {
      say_(fmt::format("{}: {} passed{}{}", verdict.member, step_, last.empty() ? "" : ": ", last));
      continue;
    }
    // timeout(1) says 124.
    const std::string how = verdict.exit_code == 124
                                ? fmt::format("no end after {}", format_duration(target().check_timeout))
                                : fmt::format("exit {}", verdict.exit_code);
    faults.push_back(fmt::format("{}: {}{}{}", verdict.member, how, last.empty() ? "" : ": ", last));
    for (const auto& line : verdict.log) say_(fmt::format("{}: | {}", verdict.member, line));
    say_(fmt::format("{}: {} failed ({})", verdict.member, step_, how));
  }
  log::debug("deploy", "{} took {}", step_, seconds_since(common_.clock, start));
  return join(faults, "; ");
}

Result<std::string> HostRun::health() {
  std::string verdict;
  if (!target().check.empty()) {
    TG_TRY(verdict, verify("live", target().check));
  }
  if (!verdict.empty() || common_.goal.roll_back) return verdict;
  if (verdict = same_settings(); verdict.empty() && target().mlflow) verdict = same_experiment();
  return verdict;
}

// The env file is the host's. What changed it while the release was made would make the check's verdict one
// about other settings than those that stay.
std::string HostRun::same_settings() {
  if (target().env.empty() || python_.env_sha256.empty()) return {};
  const auto now = session_->env_sha256();
  if (!now) return now.error().message;
  return *now == python_.env_sha256 ? "" : target().env + " was changed while the release was made live";
}

// After the flip, MLflow must be the one that it was: a release that would send its runs elsewhere is
// unhealthy.
std::string HostRun::same_experiment() {
  const auto now = session_->mlflow_experiment();
  if (!now) return now.error().message;
  if (experiment_ != "none" && *now != experiment_)
    return fmt::format("runs would go to MLflow's experiment {} and not to {} as before", *now, experiment_);
  if (experiment_ == "none") experiment_ = *now;
  return {};
}

// The decision is durable already; what fails here is only told. A lease that stays behind is nobody's: its
// deployment is over (release::may_take).
void HostRun::close(const release::Attempt& attempt, const DeployOutcome& outcome) {
  if (!leased_) return;
  const release::Fields history = {
      {"at", format_iso8601(common_.clock.now())}, {"deployment", common_.goal.deployment},
      {"release", attempt.record.release},         {"digest", attempt.record.digest},
      {"commit", attempt.record.commit},           {"previous", outcome.previous},
      {"live", outcome.live ? "yes" : "no"},       {"message", outcome.message}};
  const auto closed = session_->close(common_.goal.release, release::write_line(history),
                                      outcome.live ? old_releases() : std::vector<std::string>());
  leased_ = false;
  if (!closed) {
    log::warn("deploy", "tidying up {} on {}: {}", target().path, url_, closed.error().message);
    return;
  }
  for (const auto& line : *closed) say_(line);
}

std::vector<std::string> HostRun::old_releases() const {
  release::Retention retention;
  retention.keep = target().keep;
  retention.must = {common_.goal.release, release::release_before(facts_.journal, common_.goal.release)};
  for (const auto& [member, link] : facts_.links) retention.must.insert(release::Layout::release_of(link));
  std::vector<std::string> names;
  for (const auto& member : common_.goal.members) {
    std::vector<release::Stored> stored;
    for (const auto& entry : host_facts_.stored)
      if (entry.member == member && release::is_release_id(entry.release))
        stored.push_back({entry.release, entry.state});
    for (const auto& release : release::releases_to_delete(stored, retention))
      names.push_back(member + "/" + release);
  }
  return names;
}

}  // namespace tidegate::app
