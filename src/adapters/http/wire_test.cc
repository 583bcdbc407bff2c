#include "adapters/http/wire.h"

#include <gtest/gtest.h>

namespace tidegate::http {
namespace {

TEST(Wire, HeadsAreWrittenWhole) {
  AnswerHead head;
  head.reason = "OK";
  head.content_length = 3;
  head.now = 784111777;
  EXPECT_EQ(
      head_text(head, {{"A", "b"}, {"Set-Cookie", "1"}, {"Set-Cookie", "2"}}),
      "HTTP/1.1 200 OK\r\nA: b\r\nSet-Cookie: 1\r\nSet-Cookie: 2\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Content-Length: 3\r\n\r\n");
  head = {10, 404, "Not Found", true, false, {}, 0};
  EXPECT_EQ(
      head_text(head, {}),
      "HTTP/1.0 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: keep-alive\r\n\r\n");
  head = {11, 200, "OK", false, true, {}, 0};
  EXPECT_TRUE(head_text(head, {}).ends_with("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
}

TEST(Wire, WhatWouldBreakAHeadIsLeftOut) {
  AnswerHead head;
  head.content_length = 0;
  const auto text = head_text(head, {{"Location", "a\r\nEvil: 1"},
                                     {"Bad Name", "x"},
                                     {"", "x"},
                                     {"A:", "x"},
                                     {"Nul", std::string("a\0b", 3)},
                                     {"content-LENGTH", "7"},
                                     {"Transfer-Encoding", "chunked"},
                                     {"Connection", "upgrade"},
                                     {"Fine", "tab\tand 한글"}});
  EXPECT_EQ(text,
            "HTTP/1.1 200 \r\nFine: tab\tand 한글\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: "
            "0\r\n\r\n");
}

TEST(Wire, ErrorsAreJsonWhateverTheyQuote) {
  EXPECT_EQ(error_json(404, "Not Found", ""), R"({"message":"404 Not Found"})");
  EXPECT_EQ(error_json(400, "Bad Request", "a \"b\" \\ \n"),
            R"({"message":"400 Bad Request: a \"b\" \\ \\x0a"})");
}

}  // namespace
}  // namespace tidegate::http
