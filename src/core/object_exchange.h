#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/http_client.h"
#include "core/signer.h"

namespace b2neon {

/// How long one request may take, and where it may go.
struct RequestLimits {
  long connect_timeout_ms;
  long request_timeout_ms;
  bool allow_private_address;
  size_t max_body_size = 1 << 20;  // of the answer
};

/// A request to an object that is ready to be started, signed in its headers, with this body.
/// Returns nullptr when memory runs out.
std::unique_ptr<HttpExchange> signed_exchange(Signer &signer, const ObjectRequest &request,
                                              std::string_view body,
                                              const RequestLimits &limits) noexcept;

/// The same to a presigned URL that lives for a minute, as somebody would send it who has been
/// given that URL. `method` is what is sent, whatever the URL is signed for, and
/// `unsigned_headers` are not covered by the signature.
std::unique_ptr<HttpExchange> presigned_exchange(Signer &signer, const ObjectRequest &request,
                                                 std::string_view method,
                                                 std::span<const NameValue> unsigned_headers,
                                                 std::string_view body,
                                                 const RequestLimits &limits) noexcept;

}  // namespace b2neon
