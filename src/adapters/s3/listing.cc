#include "adapters/s3/listing.h"

#include <expat.h>
#include <memory>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::s3 {
namespace {

constexpr int kMaxDepth = 16;

// Walks a document and hands over the text of every element with its path, "/ListBucketResult/Contents/Key".
// Documents with a DTD are refused, so there are no entities to expand.
class Document {
 public:
  virtual ~Document() = default;
  virtual void on_start(std::string_view path) = 0;
  virtual void on_text(std::string_view path, std::string_view text) = 0;

  Status parse(std::string_view xml) {
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr),
                                                                              &XML_ParserFree);
    if (!parser) return fail(Errc::kEnvironment, "out of memory");
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, &start, &end);
    XML_SetCharacterDataHandler(parser_, &characters);
    XML_SetStartDoctypeDeclHandler(parser_, &doctype);
    if (xml.size() > (64U << 20U) ||
        XML_Parse(parser_, xml.data(), static_cast<int>(xml.size()), XML_TRUE) != XML_STATUS_OK) {
      return fail(Errc::kUnavailable,
                  fmt::format("not the XML that was expected: line {}: {}", XML_GetCurrentLineNumber(parser_),
                              XML_ErrorString(XML_GetErrorCode(parser_))));
    }
    return {};
  }

 private:
  static Document& self(void* user) { return *static_cast<Document*>(user); }
  static void start(void* user, const XML_Char* name, const XML_Char** attributes) {
    static_cast<void>(attributes);
    Document& document = self(user);
    if (++document.depth_ > kMaxDepth) {
      XML_StopParser(document.parser_, XML_FALSE);
      return;
    }
    document.path_ += "/" + std::string(name);
    document.text_.clear();
    document.on_start(document.path_);
  }
  static void end(void* user, const XML_Char* name) {
    static_cast<void>(name);
    Document& document = self(user);
    document.on_text(document.path_, document.text_);
    document.path_.erase(document.path_.rfind('/'));
    document.text_.clear();
    --document.depth_;
  }
  static void characters(void* user, const XML_Char* text, int length) {
    self(user).text_.append(text, static_cast<std::size_t>(length));
  }
  static void doctype(void* user, const XML_Char* name, const XML_Char* system, const XML_Char* open,
                      int internal) {
    static_cast<void>(name);
    static_cast<void>(system);
    static_cast<void>(open);
    static_cast<void>(internal);
    XML_StopParser(self(user).parser_, XML_FALSE);
  }

  XML_Parser parser_ = nullptr;
  std::string path_;
  std::string text_;
  int depth_ = 0;
};

class Listing : public Document {
 public:
  ListPage page;
  bool is_listing = false;
  bool url_encoded = false;
  std::string problem;

  void on_start(std::string_view path) override {
    if (path == "/ListBucketResult") is_listing = true;
    if (path == "/ListBucketResult/Contents") page.objects.emplace_back();
  }

  void on_text(std::string_view path, std::string_view text) override {
    if (!path.starts_with("/ListBucketResult/")) return;
    path.remove_prefix(std::string_view("/ListBucketResult/").size());
    if (path == "IsTruncated") page.truncated = text == "true";
    if (path == "NextContinuationToken") page.next_token = text;
    if (path == "EncodingType") url_encoded = text == "url";
    if (path.starts_with("Contents/")) take(path.substr(9), text);
  }

 private:
  void take(std::string_view field, std::string_view text) {
    app::ObjectInfo& object = page.objects.back();
    if (field == "Key") object.key = text;
    if (field == "ETag") object.etag = replace_all(std::string(text), "\"", "");
    if (field == "Size") {
      const auto size = parse_integer(text);
      if (!size || *size < 0) problem = "a size that is no number: " + printable(text);
      object.size = static_cast<std::uint64_t>(size.value_or(0));
    }
    if (field == "LastModified") {
      const auto time = parse_iso8601(text);
      if (!time) problem = "a time that is none: " + printable(text);
      object.modified_at = time.value_or(Instant{});
    }
  }
};

class Fault : public Document {
 public:
  S3Fault fault;
  void on_start(std::string_view path) override { static_cast<void>(path); }
  void on_text(std::string_view path, std::string_view text) override {
    if (path == "/Error/Code") fault.code = printable(text, 100);
    if (path == "/Error/Message") fault.message = printable(text, 500);
  }
};

}  // namespace

Result<ListPage> parse_list_page(std::string_view xml) {
  Listing listing;
  TG_CHECK(listing.parse(xml));
  if (!listing.is_listing) return fail(Errc::kUnavailable, "not a listing of objects");
  if (!listing.problem.empty()) return fail(Errc::kUnavailable, "a listing with " + listing.problem);
  for (app::ObjectInfo& object : listing.page.objects) {
    if (!listing.url_encoded) break;
    // As a form encodes: S3 writes a space as '+' here.
    auto key = percent_decode(object.key, true);
    if (!key)
      return fail(Errc::kUnavailable,
                  "a listing with a key that cannot be decoded: " + printable(object.key));
    object.key = *std::move(key);
  }
  if (listing.page.truncated && listing.page.next_token.empty()) {
    return fail(Errc::kUnavailable, "a listing that is cut off and does not say where to go on");
  }
  return std::move(listing.page);
}

std::optional<S3Fault> parse_fault(std::string_view xml) {
  Fault fault;
  if (!fault.parse(xml) || fault.fault.code.empty()) return std::nullopt;
  return std::move(fault.fault);
}

}  // namespace tidegate::s3
