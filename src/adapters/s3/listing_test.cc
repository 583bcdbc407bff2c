#include "adapters/s3/listing.h"

#include <gtest/gtest.h>

#include "adapters/s3/http_date.h"

namespace tidegate::s3 {
namespace {

std::string page(std::string_view contents, std::string_view rest = "<IsTruncated>false</IsTruncated>") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         std::string(contents) + std::string(rest) + "</ListBucketResult>";
}

std::string object(std::string_view key) {
  return "<Contents><Key>" + std::string(key) +
         "</Key><LastModified>2026-11-23T14:07:23.000Z</LastModified><ETag>&quot;5d41&quot;</ETag><Size>5</"
         "Size>"
         "<Owner><ID>x</ID></Owner></Contents>";
}

TEST(Listing, UrlEncodedKeysAreDecodedAsForms) {
  const auto result =
      parse_list_page(page(object("a+b%2Bc%0A%ED%95%9C"), "<EncodingType>url</EncodingType>"));
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->objects.size(), 1U);
  EXPECT_EQ(result->objects[0].key, "a b+c\n한");
  EXPECT_EQ(result->objects[0].etag, "5d41");
  EXPECT_EQ(result->objects[0].size, 5U);
  EXPECT_EQ(format_iso8601(result->objects[0].modified_at), "2026-11-23T14:07:23.000Z");
  EXPECT_FALSE(result->truncated);
}

TEST(Listing, PlainKeysAreTakenAsTheyAre) {
  const auto result =
      parse_list_page(page(object("a+b &amp; 100%&#xA;&lt;&#34;"), "<EncodingType></EncodingType>"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->objects.at(0).key, "a+b & 100%\n<\"");
}

TEST(Listing, KnowsThatThereIsMore) {
  const auto result = parse_list_page(
      page(object("a") + object("b"),
           "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->truncated);
  EXPECT_EQ(result->next_token, "t&1");
  EXPECT_EQ(result->objects.size(), 2U);
}

TEST(Listing, AnythingElseIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("<html>"), std::string("<html></html>"), std::string("{\"a\":1}"),
        page(object("a"), "<IsTruncated>true</IsTruncated>"),
        page(object("%zz"), "<EncodingType>url</EncodingType>"), page("<Contents><Size>-1</Size></Contents>"),
        page("<Contents><LastModified>x</LastModified></Contents>"), page(object("a")).substr(0, 200),
        std::string("<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                    "\"&a;&a;&a;\">]><ListBucketResult>&b;</ListBucketResult>"),
        std::string(200, '<'), "<a>" + std::string(50, ' ') + "</b>"}) {
    const auto result = parse_list_page(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Errc::kUnavailable);
  }
}

TEST(Fault, CodeAndMessage) {
  const auto fault = parse_fault(
      "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone\n</Message><Key>k</Key></Error>");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, "NoSuchKey");
  EXPECT_EQ(fault->message.find('\n'), std::string::npos);
  EXPECT_FALSE(parse_fault("nope"));
  EXPECT_FALSE(parse_fault(""));
}

TEST(HttpDate, TheOneForm) {
  EXPECT_EQ(format_iso8601(parse_http_date("Mon, 23 Nov 2026 14:08:41 GMT").value()),
            "2026-11-23T14:08:41.000Z");
  for (const char* text :
       {"", "Mon, 23 Nov 2026 14:08:41 UTC", "Mon, 99 Nov 2026 14:08:41 GMT", "Mon, 23 Foo 2026 14:08:41 GMT",
        "Mon, 23 Nov 2026 24:08:41 GMT", "23 Nov 2026 14:08:41 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace tidegate::s3
