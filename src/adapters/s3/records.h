// Event records that S3 servers POST to a hook, in the dialects met.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/event.h"

namespace tidegate::s3 {

inline constexpr std::size_t kMaxHookBody = 1U << 20U;
inline constexpr std::size_t kMaxHookRecords = 10'000;

struct HookRecords {
  std::vector<dataset::ObjectEvent> events;  ///< objects that were created, in the order of the body
  bool is_test = false;     ///< an s3:TestEvent: the connection works, there is nothing to do
  std::size_t ignored = 0;  ///< records of other kinds: deletions, tags, restores
};

/// The dialects:
/// - AWS (eventSource aws:s3, "ObjectCreated:Put"): the key is form-encoded ('+' is a space).
/// - MinIO (minio:s3, "s3:ObjectCreated:Put"): likewise; tag and lock edits are filed under ObjectCreated
/// too, and
///   are no data.
/// - versitygw (aws:s3 with "s3:ObjectCreated:Put"): the key is plain; versionId is null for Put, size is 0
/// for
///   Copy and CompleteMultipartUpload, eTag has quotes; its sequencer is a counter that starts anew with the
///   server, so it is not taken.
/// - others that send such records: as AWS.
/// kInvalid, with the place: not JSON, too large, no records, a field that is missing or wrong, eventVersion
/// not 2.x. One wrong record refuses the whole body: what we do not understand must not look received.
Result<HookRecords> parse_records(std::string_view body);

}  // namespace tidegate::s3
