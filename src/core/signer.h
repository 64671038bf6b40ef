#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/amz_date.h"
#include "core/canonical_request.h"
#include "core/endpoint.h"
#include "core/problem.h"
#include "core/sha256.h"

namespace b2neon {

/// A presigned URL lives for 1 second to 7 days (AWS; B2 says the same in its SDKs).
constexpr int kMinExpiresIn = 1;
constexpr int kMaxExpiresIn = 604800;

enum class UrlStyle { kPath, kVirtual };

/// A bucket and the application key that requests to it are signed with.
struct BucketAccess {
  Endpoint endpoint;
  std::string_view bucket;
  std::string_view region;
  UrlStyle url_style = UrlStyle::kPath;
  std::string_view key_id;
  std::string_view application_key;
};

/// One request to an object, as it is signed.
struct ObjectRequest {
  std::string_view method;
  std::string_view object_key;
  std::span<const NameValue> headers;  // as check_signed_headers() wants them
  std::span<const NameValue> query;    // as check_query() wants it
  int64_t signed_at = 0;               // seconds since 1970, within AmzDate's limits
};

/// What a request that is signed in its headers must carry: its URL, and the values of these
/// headers.
struct AuthorizedRequest {
  std::string url;
  std::string amz_date;
  std::string content_sha256;
  std::string authorization;
};

/// What is wrong with the headers or the query of a request, if anything. Names of headers are
/// taken in any case and each once; Host and the signature's own parameters are added by the
/// signer.
Problem check_signed_headers(std::span<const NameValue> headers) noexcept;
Problem check_query(std::span<const NameValue> query) noexcept;

/// Signs requests to one bucket with one application key by AWS Signature Version 4:
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
///
/// It reads no clock. It keeps the signing key of the last day that it signed for, what the last
/// plain request can share with the next, and the application key itself only as the two SHA-256
/// states that HMAC makes of it. It is not safe to use one from two threads at once.
class Signer {
 public:
  /// Returns nullptr when memory runs out.
  static std::unique_ptr<Signer> create(const BucketAccess &access) noexcept;

  /// The most bytes that the URL of `request` can have, presigned or not.
  size_t url_bound(const ObjectRequest &request) const noexcept;

  /// Writes the presigned URL to `out` and returns its length; 0 when memory runs out. Nothing is
  /// allocated where the request has no headers and differs from the one before in its key and in
  /// parameters that come after X-Amz-..., in canonical order, and is no longer.
  size_t presign(const ObjectRequest &request, int expires_in, char *out) noexcept;

  /// Signs `request` in its Authorization header, with the hash of its body. The headers that
  /// AuthorizedRequest has are added here, and must not be among the request's own. Returns false
  /// when memory runs out.
  [[nodiscard]] bool authorize(const ObjectRequest &request, std::string_view body,
                               AuthorizedRequest &authorized) noexcept;

 private:
  explicit Signer(const BucketAccess &access);

  [[nodiscard]] bool use_day(std::string_view day) noexcept;
  [[nodiscard]] bool use_time(int64_t signed_at) noexcept;
  CanonicalRequest presigned_request(const ObjectRequest &request, int expires_in) const;
  size_t write_presigned(CanonicalRequest &canonical, std::string_view object_key,
                         std::span<const NameValue> more, char *out);
  [[nodiscard]] bool sign(const Digest &canonical_request, HexDigest &signature) noexcept;

  // The parts of a URL that are the same for every object of the bucket.
  std::string origin_;       // https://host[:port]
  std::string host_;         // as in the Host header
  std::string path_prefix_;  // "/", or "/bucket/"

  HmacKey secret_;
  std::string region_;

  // What belongs to one day.
  std::string scope_;       // 20130524/us-east-1/s3/aws4_request
  std::string credential_;  // key id, slash, scope
  std::optional<HmacKey> signing_key_;

  // What belongs to one second.
  int64_t signed_at_ = 0;
  AmzDate date_{0};
  std::optional<HmacKey> time_key_;  // the signing key with the string to sign up to the hash

  // What the last requests of that second without headers of their own have in common.
  struct PlainRequest {
    std::string method;
    int expires_in;
    CanonicalRequest canonical;
  };
  std::optional<PlainRequest> plain_;
};

}  // namespace b2neon
