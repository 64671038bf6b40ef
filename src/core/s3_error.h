#pragma once

#include <string_view>

namespace b2neon {

/// What a store says in the body of an answer that refuses a request. All of it is printable ASCII;
/// anything else was replaced by question marks. Empty where it is not said.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
struct S3Error {
  char code[65] = "";         // such as NoSuchBucket: letters, digits and dots
  char message[501] = "";     // cut where it is longer
  char request_id[201] = "";  // B2 says it only in a header
};

/// Takes a code over, if it is one, and a message.
void set_s3_error_code(std::string_view code, S3Error &error) noexcept;
void set_s3_error_message(std::string_view message, S3Error &error) noexcept;

/// Reads `body`. False where it is not the XML of an error, and `error` is as before then. A store
/// can send such a body even with status 200.
bool read_s3_error(std::string_view body, S3Error &error) noexcept;

}  // namespace b2neon
