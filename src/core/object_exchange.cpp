#include "core/object_exchange.h"

namespace b2neon {

namespace {

constexpr int kPresignedForSeconds = 60;

void add_headers(std::span<const NameValue> headers, HttpRequest &http) {
  for (const NameValue &header : headers) {
    std::string &line = http.headers.emplace_back(header.name);
    line.append(": ").append(header.value);
  }
}

std::unique_ptr<HttpExchange> exchange(const ObjectRequest &request, std::string_view body,
                                       const RequestLimits &limits, HttpRequest http) {
  http.body = body;
  add_headers(request.headers, http);
  http.connect_timeout_ms = limits.connect_timeout_ms;
  http.request_timeout_ms = limits.request_timeout_ms;
  http.allow_private_address = limits.allow_private_address;
  http.max_body_size = limits.max_body_size;
  return std::make_unique<HttpExchange>(std::move(http));
}

}  // namespace

std::unique_ptr<HttpExchange> signed_exchange(Signer &signer, const ObjectRequest &request,
                                              std::string_view body,
                                              const RequestLimits &limits) noexcept {
  try {
    AuthorizedRequest authorized;
    if (!signer.authorize(request, body, authorized)) return nullptr;
    HttpRequest http;
    http.method = request.method;
    http.url = authorized.url;
    http.headers = {"x-amz-date: " + authorized.amz_date,
                    "x-amz-content-sha256: " + authorized.content_sha256,
                    "Authorization: " + authorized.authorization};
    return exchange(request, body, limits, std::move(http));
  } catch (...) {
    return nullptr;
  }
}

std::unique_ptr<HttpExchange> presigned_exchange(Signer &signer, const ObjectRequest &request,
                                                 std::string_view method,
                                                 std::span<const NameValue> unsigned_headers,
                                                 std::string_view body,
                                                 const RequestLimits &limits) noexcept {
  try {
    HttpRequest http;
    http.url.resize(signer.url_bound(request));
    http.url.resize(signer.presign(request, kPresignedForSeconds, http.url.data()));
    if (http.url.empty()) return nullptr;
    add_headers(unsigned_headers, http);
    // Each PUT could make another version.
    http.may_reuse_connection = method != "PUT";
    http.method = method;
    return exchange(request, body, limits, std::move(http));
  } catch (...) {
    return nullptr;
  }
}

}  // namespace b2neon
