#pragma once

#include "core/signer.h"

namespace b2neon {

// The bucket and key of the worked examples on
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

constexpr int64_t kAwsExampleTime = 1369353600;  // 20130524T000000Z

inline BucketAccess aws_example() {
  BucketAccess access;
  access.endpoint = {"https", "s3.amazonaws.com", 443};
  access.bucket = "examplebucket";
  access.region = "us-east-1";
  access.url_style = UrlStyle::kVirtual;
  access.key_id = "AKIAIOSFODNN7EXAMPLE";
  access.application_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  return access;
}

}  // namespace b2neon
