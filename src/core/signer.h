#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/amz_date.h"
#include "core/endpoint.h"
#include "core/problem.h"
#include "core/sha256.h"

namespace b2neon {

/// A header to be signed, or a parameter of a query string. Plain text: nothing is encoded yet.
struct NameValue {
  std::string_view name;
  std::string_view value;
};

/// The most headers, and the most query parameters, that one request can have.
constexpr size_t kMaxNameValues = 64;

/// The most that the names of a request's headers can have together, in bytes.
constexpr size_t kMaxHeaderNamesLength = 1024;

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
/// It reads no clock, keeps the signing key of the last day that it signed for, and the application
/// key itself only as the two SHA-256 states that HMAC makes of it. It is not safe to use one from
/// two threads at once.
class Signer {
 public:
  /// Returns nullptr when memory runs out.
  static std::unique_ptr<Signer> create(const BucketAccess &access) noexcept;

  /// The most bytes that the URL of `request` can have, presigned or not.
  size_t url_bound(const ObjectRequest &request) const noexcept;

  /// Writes the presigned URL to `out` and returns its length; 0 when memory runs out (only
  /// OpenSSL's EVP interface allocates anything here).
  size_t presign(const ObjectRequest &request, int expires_in, char *out) noexcept;

  /// Signs `request` in its Authorization header, with the hash of its body. The headers that
  /// AuthorizedRequest has are added here, and must not be among the request's own. Returns false
  /// when memory runs out.
  [[nodiscard]] bool authorize(const ObjectRequest &request, std::string_view body,
                               AuthorizedRequest &authorized) noexcept;

 private:
  explicit Signer(const BucketAccess &access);

  [[nodiscard]] bool use_day(std::string_view day) noexcept;
  [[nodiscard]] bool sign(const AmzDate &date, const Digest &canonical_request,
                          HexDigest &signature) const noexcept;

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
};

}  // namespace b2neon
