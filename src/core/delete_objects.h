#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/s3_error.h"

namespace b2neon {

// The request and the answer of DeleteObjects:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html

/// The most objects that one request can name.
constexpr size_t kMaxDeletedObjects = 1000;

/// An object to be deleted for good. Both are in UTF-8.
struct DeletedObject {
  std::string_view object_key;
  std::string_view version_id;  // empty only in a bucket that keeps no versions
};

/// Whether the request can name that key. XML has no control characters, and neither U+FFFE nor
/// U+FFFF: https://www.w3.org/TR/xml/#charsets
bool can_be_named(std::string_view object_key) noexcept;

/// The body of the request, and its MD5 in base64, which the header Content-MD5 has to carry.
struct DeleteRequest {
  std::string body;
  std::string content_md5;
};

/// False when memory runs out.
[[nodiscard]] bool make_delete_request(std::span<const DeletedObject> objects,
                                       DeleteRequest &request) noexcept;

/// An object that the store did not delete, and why.
struct DeleteFailure {
  std::string object_key;
  std::string version_id;
  S3Error error;
};

/// Reads the answer. False where it is not the XML of an answer to this request; then nothing is
/// known of any object. The request asks for failures alone: what is not among them is gone.
[[nodiscard]] bool read_delete_result(std::string_view body,
                                      std::vector<DeleteFailure> &failures) noexcept;

}  // namespace b2neon
