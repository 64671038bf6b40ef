#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "core/signer.h"

// Signature Version 4 once more, written down step by step from AWS's description, with nothing in
// common with the real one but OpenSSL. Slow and plain, so that it can be compared with the page:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

namespace b2neon::reference {

inline std::string uri_encode(std::string_view text, bool keep_slashes) {
  std::string encoded;
  for (const char c : text) {
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~' || (c == '/' && keep_slashes)) {
      encoded += c;
    } else {
      char escape[4];
      snprintf(escape, sizeof escape, "%%%02X",
               static_cast<unsigned>(static_cast<unsigned char>(c)));
      encoded += escape;
    }
  }
  return encoded;
}

inline std::string lower_case(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

inline std::string trim_and_collapse(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

inline std::string hmac(const std::string &key, const std::string &message) {
  unsigned char mac[32];
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char *>(message.data()), message.size(), mac, nullptr);
  return std::string(reinterpret_cast<char *>(mac), sizeof mac);
}

inline std::string hex(const std::string &bytes) {
  std::string digits;
  for (const char c : bytes) {
    char pair[3];
    snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    digits += pair;
  }
  return digits;
}

inline std::string sha256_hex(std::string_view text) {
  unsigned char digest[32];
  SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest);
  return hex(std::string(reinterpret_cast<char *>(digest), sizeof digest));
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What both ways of signing share.
struct Context {
  std::string host, path, timestamp, scope;
  const BucketAccess &access;

  Context(const BucketAccess &bucket_access, const ObjectRequest &request) : access(bucket_access) {
    const Endpoint &endpoint = access.endpoint;
    const bool is_virtual = access.url_style == UrlStyle::kVirtual;
    if (is_virtual) host = lower_case(access.bucket) + ".";
    host += lower_case(endpoint.host);
    if (endpoint.port != (endpoint.scheme == "https" ? 443 : 80)) {
      host += ":" + std::to_string(endpoint.port);
    }
    path = "/";
    if (!is_virtual) path += std::string(access.bucket) + "/";
    path += uri_encode(request.object_key, true);

    const time_t seconds = static_cast<time_t>(request.signed_at);
    tm utc;
    gmtime_r(&seconds, &utc);
    char text[32];
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    timestamp = text;
    scope = timestamp.substr(0, 8) + "/" + std::string(access.region) + "/s3/aws4_request";
  }

  std::string credential() const { return std::string(access.key_id) + "/" + scope; }

  std::string signature(std::string_view method, const std::string &query, const Pairs &headers,
                        const std::string &signed_headers, const std::string &payload) const {
    std::string canonical_request = std::string(method) + "\n" + path + "\n" + query + "\n";
    for (const auto &[name, value] : headers) canonical_request += name + ":" + value + "\n";
    canonical_request += "\n" + signed_headers + "\n" + payload;
    const std::string string_to_sign =
        "AWS4-HMAC-SHA256\n" + timestamp + "\n" + scope + "\n" + sha256_hex(canonical_request);
    std::string key = hmac("AWS4" + std::string(access.application_key), timestamp.substr(0, 8));
    key = hmac(key, std::string(access.region));
    key = hmac(key, "s3");
    key = hmac(key, "aws4_request");
    return hex(hmac(key, string_to_sign));
  }
};

inline Pairs canonical_headers(const ObjectRequest &request, Pairs more) {
  for (const NameValue &header : request.headers) {
    more.emplace_back(lower_case(header.name), trim_and_collapse(header.value));
  }
  std::sort(more.begin(), more.end());
  return more;
}

inline std::string names(const Pairs &headers) {
  std::string joined;
  for (const auto &header : headers) joined += (joined.empty() ? "" : ";") + header.first;
  return joined;
}

inline std::string canonical_query(const ObjectRequest &request, const Pairs &more) {
  Pairs encoded;
  for (const auto &[name, value] : more) {
    encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
  }
  for (const NameValue &parameter : request.query) {
    encoded.emplace_back(uri_encode(parameter.name, false), uri_encode(parameter.value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string joined;
  for (const auto &[name, value] : encoded) {
    joined += (joined.empty() ? "" : "&") + name + "=" + value;
  }
  return joined;
}

inline std::string presign(const BucketAccess &access, const ObjectRequest &request,
                           int expires_in) {
  const Context context(access, request);
  const Pairs headers = canonical_headers(request, {{"host", context.host}});
  const std::string query = canonical_query(request, {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                                                      {"X-Amz-Credential", context.credential()},
                                                      {"X-Amz-Date", context.timestamp},
                                                      {"X-Amz-Expires", std::to_string(expires_in)},
                                                      {"X-Amz-SignedHeaders", names(headers)}});
  return std::string(access.endpoint.scheme) + "://" + context.host + context.path + "?" + query +
         "&X-Amz-Signature=" +
         context.signature(request.method, query, headers, names(headers), "UNSIGNED-PAYLOAD");
}

inline std::string authorization(const BucketAccess &access, const ObjectRequest &request,
                                 std::string_view body) {
  const Context context(access, request);
  const std::string payload = sha256_hex(body);
  const Pairs headers = canonical_headers(request, {{"host", context.host},
                                                    {"x-amz-content-sha256", payload},
                                                    {"x-amz-date", context.timestamp}});
  return "AWS4-HMAC-SHA256 Credential=" + context.credential() +
         ",SignedHeaders=" + names(headers) + ",Signature=" +
         context.signature(request.method, canonical_query(request, {}), headers, names(headers),
                           payload);
}

}  // namespace b2neon::reference
