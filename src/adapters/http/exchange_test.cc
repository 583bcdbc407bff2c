#include "adapters/http/exchange.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace tidegate::http {
namespace {

using Kind = Exchange::Step::Kind;

struct Wired {
  int wakes = 0;
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>(100, [this] { ++wakes; });
  Reply reply{exchange};
};

TEST(Exchange, AWholeAnswerOnce) {
  Wired wired;
  EXPECT_EQ(wired.exchange->take().kind, Kind::kWait);
  wired.reply.send(Response::text(201, "x"));
  EXPECT_FALSE(wired.reply);
  wired.reply.send(Response::text(500, "again"));
  const auto step = wired.exchange->take();
  EXPECT_EQ(step.kind, Kind::kWhole);
  EXPECT_EQ(step.response.status, 201U);
  EXPECT_EQ(wired.wakes, 1);
}

TEST(Exchange, AStreamInOrder) {
  Wired wired;
  wired.reply.start(200, {{"A", "b"}});
  EXPECT_TRUE(wired.reply.try_write("one"));
  EXPECT_TRUE(wired.reply.write("two"));
  wired.reply.finish();
  EXPECT_EQ(wired.exchange->take().kind, Kind::kHead);
  EXPECT_EQ(wired.exchange->take().bytes, "one");
  EXPECT_EQ(wired.exchange->take().bytes, "two");
  EXPECT_EQ(wired.exchange->take().kind, Kind::kEnd);
}

TEST(Exchange, DroppedRepliesAreAnsweredOrCut) {
  Wired silent;
  silent.reply = Reply();
  const auto step = silent.exchange->take();
  EXPECT_EQ(step.kind, Kind::kWhole);
  EXPECT_EQ(step.response.status, 500U);
  Wired half;
  half.reply.start(200, {});
  half.reply.write("x");
  half.reply = Reply();
  EXPECT_EQ(half.exchange->take().kind, Kind::kHead);
  EXPECT_EQ(half.exchange->take().kind, Kind::kBytes);
  EXPECT_EQ(half.exchange->take().kind, Kind::kCut);
}

TEST(Exchange, WritersWaitForRoomAndTryWritersDoNot) {
  Wired wired;
  wired.reply.start(200, {});
  EXPECT_TRUE(wired.reply.try_write(std::string(90, 'a')));
  EXPECT_FALSE(wired.reply.try_write(std::string(20, 'b')));
  std::thread writer([&] {
    EXPECT_TRUE(wired.reply.write(std::string(1000, 'c')));
    wired.reply.finish();
  });
  std::size_t bytes = 0;
  std::size_t largest = 0;
  for (auto step = wired.exchange->take(); step.kind != Kind::kEnd; step = wired.exchange->take()) {
    bytes += step.bytes.size();
    largest = std::max(largest, step.bytes.size());
    if (step.kind == Kind::kWait) std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(bytes, 1090U);
  EXPECT_LE(largest, 100U);
}

TEST(Exchange, AClientThatGoesReleasesWritersAndIsToldOnce) {
  Wired wired;
  int told = 0;
  wired.reply.on_gone([&] { ++told; });
  wired.reply.start(200, {});
  EXPECT_TRUE(wired.reply.try_write(std::string(100, 'a')));
  std::thread writer([&] { EXPECT_FALSE(wired.reply.write("waits for room")); });
  wired.exchange->client_gone();
  writer.join();
  wired.exchange->client_gone();
  wired.exchange->detach();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(wired.reply.gone());
  wired.reply.on_gone([&] { ++told; });
  EXPECT_EQ(told, 2) << "told at once when the client went before";
  const int wakes = wired.wakes;
  wired.reply.finish();
  EXPECT_EQ(wired.wakes, wakes) << "after detach nobody is woken";
}

}  // namespace
}  // namespace tidegate::http
