#include "app/runner/cache_store.h"

#include <chrono>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;

TEST(CacheStore, TheLongestUnusedGoFirst) {
  auto folder = sys::TempDirectory::make(fs::temp_directory_path(), "cache-");
  ASSERT_TRUE(folder);
  RunnerSettings settings;
  settings.cache_directory = folder->path();
  const auto now = fs::file_time_type::clock::now();
  const auto put = [&](std::int64_t project, const std::string& key, int hours_ago) {
    const fs::path file = cache_file(settings, project, key);
    EXPECT_TRUE(sys::make_directories(file.parent_path()));
    EXPECT_TRUE(sys::write_file(file, std::string(100, 'x')));
    fs::last_write_time(file, now - std::chrono::hours(hours_ago));
    return file;
  };
  const fs::path oldest = put(1, "../a", 5);
  const fs::path used = put(1, "b", 4);
  const fs::path middle = put(2, "a", 3);
  const fs::path newest = put(2, "b", 1);
  EXPECT_NE(oldest, middle);
  settings.cache_limit = 400;
  EXPECT_EQ(prune_caches(settings), 0U);
  touch_cache(used);
  settings.cache_limit = 250;
  EXPECT_EQ(prune_caches(settings), 200U);
  EXPECT_FALSE(fs::exists(oldest));
  EXPECT_FALSE(fs::exists(middle));
  EXPECT_TRUE(fs::exists(used));
  EXPECT_TRUE(fs::exists(newest));
  settings.cache_limit = 0;
  EXPECT_EQ(prune_caches(settings), 200U);
}

TEST(CacheStore, AFolderThatIsNotThereIsEmpty) {
  RunnerSettings settings;
  settings.cache_directory = "/nonexistent/cache";
  settings.cache_limit = 0;
  EXPECT_EQ(prune_caches(settings), 0U);
}

}  // namespace
}  // namespace tidegate::app
