// Answers of ListObjectsV2 and error answers of S3, from XML.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/ports/object_storage.h"
#include "base/result.h"

namespace tidegate::s3 {

struct ListPage {
  std::vector<app::ObjectInfo> objects;  ///< bucket not filled in
  bool truncated = false;
  std::string next_token;
};

/// Keys are decoded when the answer says EncodingType url, and taken as they are when it does not (versitygw
/// leaves encoding-type aside). kUnavailable when the text is not such a listing: something else answers
/// there.
Result<ListPage> parse_list_page(std::string_view xml);

/// What an error answer says.
struct S3Fault {
  std::string code;  ///< "NoSuchKey"
  std::string message;
};
std::optional<S3Fault> parse_fault(std::string_view xml);

}  // namespace tidegate::s3
