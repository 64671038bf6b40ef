#pragma once

#include <string>
#include <string_view>

namespace b2neon {

/// What a store says in the body of an answer that refuses a request. All of it is printable ASCII;
/// anything else was replaced by question marks.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
struct S3Error {
  std::string code;        // such as NoSuchBucket; of at most 64 letters, digits and dots
  std::string message;     // at most 500 bytes
  std::string request_id;  // at most 200 bytes; B2 says it only in a header
};

/// Reads `body`. False where it is not the XML of an error, and `error` is as before then. A store
/// can send such a body even with status 200.
bool read_s3_error(std::string_view body, S3Error &error) noexcept;

}  // namespace b2neon
