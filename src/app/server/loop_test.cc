#include "app/server/loop.h"

#include <atomic>

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

TEST(Loop, RunsInTheOrderOfPostingOnOneThread) {
  Loop loop;
  loop.start();
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) loop.post([&seen, i] { seen.push_back(i); });
  const auto inside = loop.call([] { return std::this_thread::get_id(); });
  EXPECT_NE(inside, std::this_thread::get_id());
  ASSERT_EQ(seen.size(), 1000U);  // call() came after them
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Loop, TakesWorkFromManyThreadsAndLosesNone) {
  Loop loop;
  loop.start();
  int sum = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 500; ++i) loop.post([&sum] { ++sum; });
    });
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(loop.call([&] { return sum; }), 2000);
}

TEST(Loop, TimedWorkRunsWhenItIsDue) {
  Loop loop;
  loop.start();
  std::promise<std::vector<int>> done;
  std::vector<int> seen;
  loop.post([&] {  // on the loop, so that all are posted before one is due
    loop.post_after(Millis{400}, [&] {
      seen.push_back(3);
      done.set_value(seen);
    });
    loop.post_after(Millis{10}, [&] { seen.push_back(2); });
    loop.post([&] { seen.push_back(1); });
    loop.post_after(Millis{-5}, [&] { seen.push_back(0); });  // due already: before what is posted now
  });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{0, 1, 2, 3}));
}

TEST(Loop, SurvivesWorkThatThrows) {
  Loop loop;
  loop.start();
  loop.post([] { throw std::runtime_error("thrown on purpose"); });
  EXPECT_EQ(loop.call([] { return 7; }), 7);
}

TEST(Loop, StoppedDropsWorkAndAnswersCalls) {
  Loop loop;
  loop.start();
  bool ran = false;
  loop.post_after(Millis{3'600'000}, [&ran] { ran = true; });
  loop.stop();
  loop.post([&ran] { ran = true; });
  EXPECT_EQ(loop.call([] { return 7; }), 0);
  const auto refused = loop.call([]() -> Result<int> { return 7; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kCanceled);
  EXPECT_FALSE(ran);
}

// A caller that waits while the loop is stopped must not wait for ever.
TEST(Loop, StopFreesThoseWhoWait) {
  Loop loop;
  loop.start();
  std::promise<void> begun, go;
  loop.post([&] {
    begun.set_value();
    go.get_future().wait();
  });
  begun.get_future().wait();
  std::thread waiting([&] {
    const int got = loop.call([] { return 7; });
    EXPECT_TRUE(got == 7 || got == 0) << got;  // asked before the stop, or after it
  });
  std::thread stopping([&] { loop.stop(); });
  go.set_value();
  waiting.join();
  stopping.join();
}

TEST(Workers, FinishWhatHasBegunAndDropTheRest) {
  auto workers = std::make_unique<Workers>(2);
  std::promise<void> begun, go;
  std::atomic<int> finished{0};
  std::shared_future<void> gate = go.get_future().share();
  workers->post([&, gate] {
    begun.set_value();
    gate.wait();
    ++finished;
  });
  begun.get_future().wait();
  std::thread stopping([&] { workers->stop(); });
  go.set_value();
  stopping.join();
  EXPECT_EQ(finished, 1);
  workers->post([&finished] { ++finished; });
  workers.reset();
  EXPECT_EQ(finished, 1);
}

TEST(InBackground, WorksElsewhereAndComesBackToTheLoop) {
  Loop loop;
  loop.start();
  Workers workers(2);
  std::promise<std::pair<bool, int>> done;
  const auto home = loop.call([] { return std::this_thread::get_id(); });
  loop.post([&] {
    in_background(
        workers, loop, [home] { return std::this_thread::get_id() == home ? -1 : 7; },
        [&done, home](int result) { done.set_value({std::this_thread::get_id() == home, result}); });
  });
  EXPECT_EQ(done.get_future().get(), std::pair(true, 7));
}

}  // namespace
}  // namespace tidegate::app
