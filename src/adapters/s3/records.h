// What tells of one object: S3's event record in the dialects met, and EventBridge's event.
#pragma once

#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "base/result.h"
#include "dataset/event.h"

namespace tidegate::s3 {

/// One of a message's Records. Nothing: a record of another kind (a deletion, an edit of tags).
///
/// Any eventVersion 2.x, as AWS asks of readers: unknown fields are left aside. The dialects:
/// - AWS (eventSource aws:s3, "ObjectCreated:Put"): the key is form-encoded ('+' is a space).
/// - MinIO (minio:s3, "s3:ObjectCreated:Put"): likewise; tag and lock edits are filed under ObjectCreated
///   too, and are no data.
/// - versitygw (aws:s3 with "s3:ObjectCreated:Put"): the key is plain; versionId is null for Put, size is 0
///   for Copy and CompleteMultipartUpload, eTag has quotes; its sequencer is a counter that starts anew with
///   the server, so it is not taken.
/// - others that send such records: as AWS.
/// kInvalid, with the place (`where` goes in front): a field that is missing or wrong, eventVersion not 2.x.
/// Source: Amazon S3 user guide, "Event message structure".
Result<std::optional<dataset::ObjectEvent>> read_record(const boost::json::object& record,
                                                        const std::string& where);

/// An event with `detail-type` from `source` aws.s3. The key is plain and the members are called otherwise
/// (`etag`, `version-id`). Source: Amazon S3 user guide, "EventBridge event message structure".
Result<std::optional<dataset::ObjectEvent>> read_event_bridge(const boost::json::object& event,
                                                              const std::string& where);

}  // namespace tidegate::s3
