#include "adapters/registry/blob_cache.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::registry {
namespace {
namespace fs = std::filesystem;

std::string put(const BlobCache& cache, const std::string& bytes, int age_seconds) {
  const std::string digest = "sha256:" + sha256_hex(bytes);
  EXPECT_TRUE(sys::write_file(cache.blob(digest), bytes));
  fs::last_write_time(cache.blob(digest), fs::file_time_type::clock::now() - Seconds{age_seconds});
  return digest;
}

TEST(BlobCache, ForgetsTheLongestUnusedFirst) {
  const auto temp = sys::TempDirectory::make("/tmp", "tidegate-cache-").value();
  const auto cache = BlobCache::open(temp.path() / "c", nullptr).value();
  const auto old = put(cache, std::string(100, 'a'), 300);
  const auto older_but_used = put(cache, std::string(100, 'b'), 600);
  const auto recent = put(cache, std::string(100, 'c'), 10);
  EXPECT_TRUE(cache.use(older_but_used));
  cache.prune(250);
  EXPECT_FALSE(cache.use(old));
  EXPECT_TRUE(cache.use(older_but_used));
  EXPECT_TRUE(cache.use(recent));
}

TEST(BlobCache, OneAtATime) {
  const auto temp = sys::TempDirectory::make("/tmp", "tidegate-cache-").value();
  sys::StopFlag stop;
  stop.request_stop();
  {
    const auto first = BlobCache::open(temp.path() / "c", nullptr);
    ASSERT_TRUE(first);
    EXPECT_EQ(BlobCache::open(temp.path() / "c", &stop).error().code, Errc::kCanceled);
  }
  EXPECT_TRUE(BlobCache::open(temp.path() / "c", &stop));
}

TEST(BlobCache, ClearsWhatAKilledProcessLeft) {
  const auto temp = sys::TempDirectory::make("/tmp", "tidegate-cache-").value();
  ASSERT_TRUE(sys::make_directories(temp.path() / "c/scratch/layout"));
  ASSERT_TRUE(sys::write_file(temp.path() / "c/scratch/layout/half", "x"));
  const auto cache = BlobCache::open(temp.path() / "c", nullptr).value();
  EXPECT_TRUE(fs::is_empty(cache.scratch()));
}

}  // namespace
}  // namespace tidegate::registry
