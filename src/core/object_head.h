#pragma once

#include <cstdint>
#include <string_view>

#include "core/http_client.h"

namespace b2neon {

/// What a store says of an object. The texts point into the exchange.
struct ObjectHead {
  int64_t size = -1;  // -1: not said
  std::string_view content_type;
  std::string_view etag;        // without its quotes
  std::string_view version_id;  // empty in a bucket without versions
};

/// Reads the answer to a HEAD of an object, where its status is 200.
ObjectHead read_object_head(const HttpExchange &exchange) noexcept;

/// The 32 hexadecimal digits of a Content-MD5, which is in base64. False where it is none.
bool content_md5_in_hex(std::string_view content_md5, char (&hex)[33]) noexcept;

/// Whether `etag` is the MD5 of `content_md5` (base64), or cannot tell: the ETag of an object that
/// was uploaded in parts, or encrypted with a customer's key, is not an MD5.
bool etag_agrees_with_md5(std::string_view etag, std::string_view content_md5) noexcept;

}  // namespace b2neon
