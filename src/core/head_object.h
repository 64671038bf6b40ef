#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/http_client.h"
#include "core/signer.h"

namespace b2neon {

/// How long one request may take, and where it may go.
struct RequestLimits {
  long connect_timeout_ms;
  long request_timeout_ms;
  bool allow_private_address;
};

/// A HEAD of the newest version of an object, signed at `now` (seconds since 1970) and ready to be
/// started. Returns nullptr when memory runs out.
std::unique_ptr<HttpExchange> head_object(Signer &signer, std::string_view object_key, int64_t now,
                                          const RequestLimits &limits) noexcept;

/// What a store says of an object. The texts point into the exchange.
struct ObjectHead {
  int64_t size = -1;  // -1: not said
  std::string_view content_type;
  std::string_view etag;        // without its quotes
  std::string_view version_id;  // empty in a bucket without versions
};

/// Reads the answer to head_object(), where its status is 200.
ObjectHead read_object_head(const HttpExchange &exchange) noexcept;

/// Whether `etag` is the MD5 of `content_md5` (base64), or cannot tell: the ETag of an object that
/// was uploaded in parts, or encrypted with a customer's key, is not an MD5.
bool etag_agrees_with_md5(std::string_view etag, std::string_view content_md5) noexcept;

}  // namespace b2neon
