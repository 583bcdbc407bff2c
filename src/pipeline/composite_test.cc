#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "pipeline/machine.h"

namespace tidegate::pipeline {
namespace {

/// "success failed? manual": a '?' means allow_failure.
std::string composite_of(const std::string& words, bool dag = false) {
  std::vector<JobState> jobs;
  for (auto word : split(words, ' ')) {
    if (word.empty()) continue;
    JobState job;
    job.allow_failure = word.ends_with('?');
    if (job.allow_failure) word.pop_back();
    job.status = parse_job_status(word).value();
    jobs.push_back(job);
  }
  std::vector<const JobState*> pointers;
  for (const auto& job : jobs) pointers.push_back(&job);
  const auto status = composite(pointers, dag);
  return status ? std::string(to_string(*status)) : "nothing";
}

/// One line for each rule of composite.rb, in its order, and what decides between neighbours.
TEST(Composite, Table) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "nothing"},
      {"skipped", "skipped"},
      {"manual?", "skipped"},
      {"skipped manual?", "skipped"},
      {"success", "success"},
      {"success skipped", "success"},
      {"success failed?", "success"},
      {"failed?", "success"},
      {"canceled?", "success"},
      {"success manual?", "success"},
      {"created", "created"},
      {"created failed?", "created"},
      {"created manual?", "created"},
      {"preparing", "preparing"},
      {"preparing failed? manual?", "preparing"},
      {"canceled", "canceled"},
      {"canceled success skipped", "canceled"},
      {"canceled failed?", "canceled"},
      {"pending", "pending"},
      {"pending created skipped", "pending"},
      {"pending failed? manual?", "pending"},
      {"created skipped", "pending"},
      {"pending success", "running"},
      {"running", "running"},
      {"running failed canceled", "running"},
      {"pending failed", "running"},
      {"waiting_for_resource success", "waiting_for_resource"},
      {"waiting_for_resource manual", "waiting_for_resource"},
      {"waiting_for_callback created", "waiting_for_callback"},
      {"manual", "manual"},
      {"manual success created", "manual"},
      {"manual failed", "manual"},
      {"manual scheduled", "manual"},
      {"scheduled", "scheduled"},
      {"scheduled created", "scheduled"},
      {"preparing success", "preparing"},
      {"created success", "running"},
      {"created failed", "running"},
      {"created canceling", "running"},
      {"canceling", "canceling"},
      {"canceling success failed", "canceling"},
      {"failed", "failed"},
      {"failed success", "failed"},
      {"failed canceled", "failed"},
      {"failed skipped", "failed"},
      {"failed failed?", "failed"},
  };
  for (const auto& [words, status] : table) EXPECT_EQ(composite_of(words), status) << words;
}

TEST(Composite, OfNeeds) {
  EXPECT_EQ(composite_of("success skipped", true), "skipped");
  EXPECT_EQ(composite_of("success manual?", true), "skipped");
  EXPECT_EQ(composite_of("success failed?", true), "success");
  EXPECT_EQ(composite_of("running skipped", true), "skipped");
  EXPECT_EQ(composite_of("success failed", true), "failed");
  EXPECT_EQ(composite_of("success running", true), "running");
  EXPECT_EQ(composite_of("", true), "nothing");
}

TEST(Composite, ARetryThatIsDueCountsAsPending) {
  JobState job;
  job.status = JobStatus::kFailed;
  job.retry_due = true;
  EXPECT_EQ(composite({&job}, false), JobStatus::kPending);
}

TEST(Composite, StatusWordsGoBothWays) {
  for (int i = 0; i < 13; ++i) {
    const auto status = static_cast<JobStatus>(i);
    EXPECT_EQ(parse_job_status(to_string(status)), status);
  }
  EXPECT_EQ(parse_job_status("cancelled"), std::nullopt);
}

}  // namespace
}  // namespace tidegate::pipeline
