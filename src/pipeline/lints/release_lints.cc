// Lints about what stands between a commit and what people use: tests, branches, failures.
#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

// Of all searches through needs together; beyond, jobs stay unexamined: a hostile file has many of both.
constexpr std::size_t kMostWork = 2'000'000;

/// Puts something where others take it by a name that does not say which commit it is of.
bool publishes(const Command& command) {
  if (is_docker(command, "push")) return command.words.back().ends_with(":latest");
  return command.begins({"twine", "upload"}) || command.begins({"python", "-m", "twine", "upload"}) ||
         command.begins({"python3", "-m", "twine", "upload"}) || command.begins({"poetry", "publish"}) ||
         command.begins({"uv", "publish"}) || command.begins({"flit", "publish"}) ||
         command.begins({"hatch", "publish"}) || command.begins({"npm", "publish"}) ||
         command.begins({"cargo", "publish"}) || command.begins({"gem", "push"});
}

/// The line in which it publishes; null: it does not.
const Line* publishing_line(const Reading& reading) {
  if (has_own_registry(*reading.job)) return nullptr;
  const auto found = std::ranges::find_if(reading.lines, [](const Line& line) {
    return std::ranges::any_of(line.commands, [](const Command& command) {
      return publishes(command) && !command.has("--dry-run");
    });
  });
  return found == reading.lines.end() ? nullptr : &*found;
}

bool tests(const Reading& reading) {
  return std::ranges::any_of(reading.lines, [](const Line& line) {
    return std::ranges::any_of(line.commands, [](const Command& command) {
      return is_test_runner(command) || (is_docker(command, "run") && command.has("pytest"));
    });
  });
}

bool waits_for_people(const config::Job& job) {
  const auto by_hand = [](const config::Rule& rule) {
    return rule.when == config::When::kManual || rule.when == config::When::kDelayed;
  };
  return job.when == config::When::kManual || (job.rules && std::ranges::any_of(*job.rules, by_hand));
}

bool may_fail(const config::Job& job) {
  return job.allow_failure && (job.allow_failure->value || !job.allow_failure->exit_codes.empty());
}

/// `tidegate deploy` and `tidegate load` are called in the pipeline of a candidate, before its branch moves;
/// what they make live goes back when that pipeline fails.
bool is_gated(const Reading& reading) {
  return reading.mentions_any({"tidegate deploy", "tidegate load"});
}

/// Changes what people use, and nobody is asked.
bool releases(const Reading& reading) {
  return (deploys(*reading.job) || publishing_line(reading) != nullptr) && !waits_for_people(*reading.job);
}

bool may_meet(const Reading& one, const Reading& other) {
  return (one.reach.may & other.reach.may) != 0;
}

/// Which jobs another one waits for.
class Waits {
 public:
  explicit Waits(const Subject& subject) : subject_(subject) {}

  /// The first of these tests that has to do with the job, when it waits for none of them, by its needs and
  /// theirs; null: it waits for one, or there was no time to find out. Several flows in one file each have
  /// their own, so one is enough, and a test that needs nothing that the job needs is another flow's.
  const Reading* missed(const Reading& job, const std::vector<const Reading*>& tests) {
    std::vector<const Reading*> open = {&job};
    std::unordered_set<const Reading*> seen = {&job};
    std::size_t all_before = 0;  // a job without needs waits for every stage before its own
    while (!open.empty()) {
      const Reading& at = *open.back();
      open.pop_back();
      if (!at.job->needs) all_before = std::max(all_before, at.stage);
      for (const Reading* next : needed_by(at))
        if (seen.insert(next).second) open.push_back(next);
    }
    const Reading* found = nullptr;
    for (const Reading* test : tests) {
      if (test->stage < all_before || seen.contains(test)) return nullptr;
      if (found != nullptr || test->stage >= job.stage || !may_meet(job, *test)) continue;
      const auto needed = needed_by(*test);
      const bool related = needed.empty() || std::ranges::any_of(needed, [&](const Reading* one) {
                             return seen.contains(one);
                           });
      if (related) found = test;
    }
    return left_ == 0 ? nullptr : found;
  }

 private:
  std::vector<const Reading*> needed_by(const Reading& reading) {
    std::vector<const Reading*> needed;
    left_ -= std::min<std::size_t>(left_, 1);
    if (!reading.job->needs || left_ == 0) return needed;
    left_ -= std::min(left_, reading.job->needs->size());
    for (const config::Need& need : *reading.job->needs)
      if (const Reading* next = need.elsewhere() ? nullptr : subject_.find(need.job)) needed.push_back(next);
    return needed;
  }

  const Subject& subject_;
  std::size_t left_ = kMostWork;
};

bool has_rule_with_always(const config::Job& job) {
  return std::ranges::any_of(*job.rules,
                             [](const config::Rule& rule) { return rule.when == config::When::kAlways; });
}

}  // namespace

void find_deploy_before_test(Subject& subject, Warnings& out) {
  std::vector<const Reading*> gates;
  for (const Reading& reading : subject.jobs)
    if (tests(reading) && !may_fail(*reading.job) && !waits_for_people(*reading.job))
      gates.push_back(&reading);
  if (gates.empty()) return;
  Waits waits(subject);
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->needs || !releases(reading) || tests(reading)) continue;
    const Reading* missed = waits.missed(reading, gates);
    if (missed == nullptr) continue;
    out.add(reading.job->place, reading.job->name,
            fmt::format("{} waits for no test, not for {} either: with `needs`, a job begins when those "
                        "are done, whatever its stage",
                        name_of(reading), name_of(*missed)),
            fmt::format("Add {} to its `needs`, or leave `needs` out.", name_of(*missed)));
  }
}

void find_deploy_despite_failure(Subject& subject, Warnings& out) {
  std::size_t first = subject.definition.stages.size();
  for (const Reading& reading : subject.jobs) first = std::min(first, reading.stage);
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    const bool always = job.rules ? job.when == config::When::kAlways || has_rule_with_always(job)
                                  : job.when == config::When::kAlways;
    const bool after_others = job.needs ? !job.needs->empty() : reading.stage > first;
    if (!always || !after_others || !(deploys(job) || publishing_line(reading) != nullptr)) continue;
    out.add(job.place, job.name,
            fmt::format("{} has `when: always`: it runs also after what is before it has failed",
                        name_of(reading)),
            "Leave `when` out: a rule that matches is enough, and the job waits for success.");
  }
}

void find_deploy_untested(Subject& subject, Warnings& out) {
  struct Tests {
    const Reading* lenient = nullptr;  ///< one whose failure stops nothing
    bool strict = false;
  };
  std::map<std::size_t, Tests> by_stage;
  for (const Reading& reading : subject.jobs) {
    if (!tests(reading)) continue;
    Tests& here = by_stage[reading.stage];
    if (!may_fail(*reading.job)) {
      here.strict = true;
    } else if (here.lenient == nullptr) {
      here.lenient = &reading;
    }
  }
  if (by_stage.empty()) return;
  for (const Reading& reading : subject.jobs) {
    if (!releases(reading) || tests(reading)) continue;
    const Reading* lenient = nullptr;
    bool strict = false;
    for (auto at = by_stage.begin(); at != by_stage.end() && at->first < reading.stage && !strict; ++at) {
      strict = at->second.strict;
      if (lenient == nullptr) lenient = at->second.lenient;
    }
    if (strict || lenient == nullptr || !may_meet(reading, *lenient)) continue;
    out.add(reading.job->place, reading.job->name,
            fmt::format("{} goes on whatever the tests find: {} has `allow_failure`, and no other job tests "
                        "before it",
                        name_of(reading), name_of(*lenient)),
            "Take `allow_failure` from the tests that have to pass.");
  }
}

void find_publish_from_any_branch(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if ((reading.stray.must & Worlds::branch_push()) == 0 || waits_for_people(*reading.job)) continue;
    const Line* line = publishing_line(reading);
    const bool production = deploys(*reading.job) && !is_gated(reading) &&
                            to_lower(reading.job->environment->name).starts_with("prod");
    if (line == nullptr && !production) continue;
    out.add(line != nullptr ? *line->place : reading.job->place, reading.job->name,
            fmt::format("{} {} from every branch that somebody pushes", name_of(reading),
                        line != nullptr ? "publishes" : "deploys to production"),
            "Say from which: rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}], or $CI_COMMIT_TAG.");
  }
}

void find_nothing_to_fail(Subject& subject, Warnings& out) {
  std::size_t first = subject.definition.stages.size();
  for (const Reading& reading : subject.jobs) first = std::min(first, reading.stage);
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    const bool after_others = job.needs ? !job.needs->empty() : reading.stage > first;
    const bool on_failure =
        job.rules ? !job.rules->empty() && std::ranges::all_of(*job.rules,
                                                               [&](const config::Rule& rule) {
                                                                 const config::When when =
                                                                     rule.when.value_or(job.when);
                                                                 return when == config::When::kOnFailure ||
                                                                        when == config::When::kNever;
                                                               })
                  : job.when == config::When::kOnFailure;
    if (!on_failure || after_others || reading.reach.may == 0) continue;
    out.add(job.place, job.name,
            fmt::format("{} never runs: it waits for a failure, and there is nothing before it",
                        name_of(reading)),
            job.needs ? "Name in `needs` the jobs whose failure it is for."
                      : "Move it to a later stage, or name in `needs` the jobs whose failure it is for.");
  }
}

}  // namespace tidegate::pipeline::lints
