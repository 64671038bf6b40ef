#pragma once

#include <span>
#include <string>
#include <string_view>

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

/// A request's headers or parameters in canonical order, without an allocation.
class SortedNameValues {
 public:
  enum class Kind { kHeaders, kParameters };

  /// Those of the request, and a few of the signature's own.
  SortedNameValues(Kind kind, std::span<const NameValue> of_request,
                   std::span<const NameValue> of_signature) noexcept;

  const NameValue *begin() const noexcept { return items_; }
  const NameValue *end() const noexcept { return items_ + count_; }

 private:
  static constexpr size_t kMaxOfSignature = 5;
  NameValue items_[kMaxNameValues + kMaxOfSignature];
  size_t count_ = 0;
};

/// The names of the headers, `content-type;host`.
class SignedHeaders {
 public:
  explicit SignedHeaders(const SortedNameValues &headers) noexcept;
  std::string_view text() const noexcept { return {text_, size_}; }

 private:
  static constexpr size_t kOfSignature = 64;  // host;x-amz-content-sha256;x-amz-date
  char text_[kMaxHeaderNamesLength + kMaxNameValues + kOfSignature];
  size_t size_;
};

/// Whether the parameters are in canonical order and come after all of `X-Amz-...`.
bool follow_the_signature(std::span<const NameValue> parameters) noexcept;

/// A canonical request but for the object's path and what its query has at the end, which is all
/// that differs where many objects are asked for alike. Task 1 of
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
class CanonicalRequest {
 public:
  /// Can throw std::bad_alloc.
  CanonicalRequest(std::string_view method, const SortedNameValues &parameters,
                   const SortedNameValues &headers, std::string_view signed_headers,
                   std::string_view payload_hash);

  /// The canonical query string that all have in common.
  std::string_view query() const noexcept { return query_; }

  /// The hash of the request for an encoded path and query. False: OpenSSL failed. Can throw
  /// std::bad_alloc.
  [[nodiscard]] bool hash(std::string_view path, std::string_view query, Digest &digest);

 private:
  std::string method_;  // with its line break
  std::string query_;
  std::string tail_;  // all from the line break after the query on
  std::string text_;  // in one piece, because SHA-256 is faster over more blocks at once
  Sha256 hash_;
};

}  // namespace b2neon
