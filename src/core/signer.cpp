#include "core/signer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/header_value.h"
#include "core/percent_encoding.h"
#include "core/writer.h"

namespace b2neon {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kService = "s3";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

std::string origin_of(const BucketAccess &access, std::string_view host) {
  return std::string(access.endpoint.scheme) + "://" + std::string(host);
}

std::string host_of(const BucketAccess &access) {
  std::string host;
  if (access.url_style == UrlStyle::kVirtual) host = std::string(access.bucket) + ".";
  host += access.endpoint.host;
  for (char &c : host) c = to_ascii_lower(c);
  // Clients leave the scheme's own port out of the Host header, which is signed.
  if (!access.endpoint.has_default_port()) host += ":" + std::to_string(access.endpoint.port);
  return host;
}

// The key of the HMAC chain that ends in the signing key.
struct Secret {
  explicit Secret(std::string_view application_key) : text("AWS4") { text += application_key; }
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

}  // namespace

Problem check_signed_headers(std::span<const NameValue> headers) noexcept {
  if (headers.size() > kMaxNameValues) return "there are more than 64";
  size_t names_length = 0;
  for (size_t i = 0; i < headers.size(); i++) {
    names_length += headers[i].name.size();
    if (names_length > kMaxHeaderNamesLength) {
      return "the names of the headers have more than 1024 bytes together";
    }
    if (Problem problem = check_header_name(headers[i].name)) return problem;
    if (Problem problem = check_header_value(headers[i].value)) return problem;
    if (equal_ignoring_case(headers[i].name, "host")) {
      return "\"host\" is always signed and must not be given";
    }
    for (size_t j = 0; j < i; j++) {
      if (equal_ignoring_case(headers[i].name, headers[j].name)) {
        return "the same header is given twice; case does not count";
      }
    }
  }
  return nullptr;
}

Problem check_query(std::span<const NameValue> query) noexcept {
  if (query.size() > kMaxNameValues) return "there are more than 64";
  for (const NameValue &parameter : query) {
    if (parameter.name.empty()) return "a parameter has no name";
    for (std::string_view text : {parameter.name, parameter.value}) {
      if (std::any_of(text.begin(), text.end(), is_ascii_control)) {
        return "a parameter contains a control character";
      }
    }
    for (std::string_view reserved : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
                                      "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
      if (equal_ignoring_case(parameter.name, reserved)) {
        return "a parameter has a name that belongs to the signature";
      }
    }
  }
  return nullptr;
}

std::unique_ptr<Signer> Signer::create(const BucketAccess &access) noexcept {
  try {
    std::unique_ptr<Signer> signer(new Signer(access));
    return signer->secret_.failed() ? nullptr : std::move(signer);
  } catch (...) {
    return nullptr;
  }
}

Signer::Signer(const BucketAccess &access)
    : origin_(origin_of(access, host_of(access))),
      host_(host_of(access)),
      path_prefix_(access.url_style == UrlStyle::kPath ? "/" + std::string(access.bucket) + "/"
                                                       : std::string("/")),
      secret_(Secret(access.application_key).text),
      region_(access.region) {
  scope_ = "00000000/" + region_ + "/s3/aws4_request";
  credential_ = std::string(access.key_id) + "/" + scope_;
}

// Changes the texts in place, so that the turn of a day cannot run out of memory.
bool Signer::use_day(std::string_view day) noexcept {
  if (signing_key_ && std::string_view(scope_).substr(0, day.size()) == day) return true;
  signing_key_.reset();
  day.copy(scope_.data(), day.size());
  day.copy(credential_.data() + credential_.size() - scope_.size(), day.size());

  Digest key;
  bool ok = secret_.sign(day, key);
  for (std::string_view part : {std::string_view(region_), kService, kTerminator}) {
    ok = ok && HmacKey(key).sign(part, key);
  }
  if (ok) signing_key_.emplace(key);
  OPENSSL_cleanse(key.data(), key.size());
  if (ok && !signing_key_->failed()) return true;
  signing_key_.reset();
  return false;
}

bool Signer::use_time(int64_t signed_at) noexcept {
  if (time_key_ && signed_at == signed_at_) return true;
  time_key_.reset();
  plain_.reset();
  date_ = AmzDate(signed_at);
  if (!use_day(date_.day())) return false;

  char buffer[256];
  Writer string_to_sign(buffer);
  string_to_sign.text(kAlgorithm).text("\n");
  string_to_sign.text(date_.timestamp()).text("\n");
  string_to_sign.text(scope_).text("\n");
  time_key_.emplace(signing_key_->with_prefix(string_to_sign.since(0)));
  if (time_key_->failed()) {
    time_key_.reset();
    return false;
  }
  signed_at_ = signed_at;
  return true;
}

// Task 3.
bool Signer::sign(const Digest &canonical_request, HexDigest &signature) noexcept {
  const HexDigest canonical_request_hex = to_hex(canonical_request);
  Digest mac;
  if (!time_key_->sign(view(canonical_request_hex), mac)) return false;
  signature = to_hex(mac);
  return true;
}

size_t Signer::url_bound(const ObjectRequest &request) const noexcept {
  constexpr size_t kFixedText = 256;  // names of the signature's parameters, digits, hex digits
  size_t bound = kFixedText + origin_.size() + path_prefix_.size();
  bound += percent_encoded_bound(request.object_key.size() + credential_.size());
  for (const NameValue &header : request.headers) {
    bound += percent_encoded_bound(header.name.size() + 1);
  }
  for (const NameValue &parameter : request.query) {
    bound += percent_encoded_bound(parameter.name.size() + parameter.value.size()) + 2;
  }
  return bound;
}

CanonicalRequest Signer::presigned_request(const ObjectRequest &request, int expires_in) const {
  const NameValue host[] = {{"host", host_}};
  const SortedNameValues headers(SortedNameValues::Kind::kHeaders, request.headers, host);
  const SignedHeaders signed_headers(headers);

  char expires[16];
  const char *expires_end = std::to_chars(expires, expires + sizeof expires, expires_in).ptr;
  const NameValue of_signature[] = {
      {"X-Amz-Algorithm", kAlgorithm},
      {"X-Amz-Credential", credential_},
      {"X-Amz-Date", date_.timestamp()},
      {"X-Amz-Expires", {expires, static_cast<size_t>(expires_end - expires)}},
      {"X-Amz-SignedHeaders", signed_headers.text()},
  };
  const SortedNameValues parameters(SortedNameValues::Kind::kParameters, request.query,
                                    of_signature);
  return {request.method, parameters, headers, signed_headers.text(), kUnsignedPayload};
}

// The path and query of the URL are the canonical ones.
size_t Signer::write_presigned(CanonicalRequest &canonical, std::string_view object_key,
                               std::span<const NameValue> more, char *out) {
  Writer url(out);
  url.text(origin_).text(path_prefix_).encoded_path(object_key);
  const std::string_view path = url.since(origin_.size());
  url.text("?");
  const size_t start_of_query = url.size();
  url.text(canonical.query());
  for (const NameValue &parameter : more) url.text("&").parameter(parameter.name, parameter.value);

  Digest hash;
  HexDigest signature;
  if (!canonical.hash(path, url.since(start_of_query), hash) || !sign(hash, signature)) return 0;
  url.text("&X-Amz-Signature=").text(view(signature));
  return url.size();
}

size_t Signer::presign(const ObjectRequest &request, int expires_in, char *out) noexcept {
  try {
    if (!use_time(request.signed_at)) return 0;
    if (!request.headers.empty() || !follow_the_signature(request.query)) {
      CanonicalRequest canonical = presigned_request(request, expires_in);
      return write_presigned(canonical, request.object_key, {}, out);
    }
    if (!plain_ || plain_->expires_in != expires_in || plain_->method != request.method) {
      ObjectRequest plain = request;
      plain.query = {};
      plain_.emplace(PlainRequest{std::string(request.method), expires_in,
                                  presigned_request(plain, expires_in)});
    }
    return write_presigned(plain_->canonical, request.object_key, request.query, out);
  } catch (...) {
    return 0;
  }
}

bool Signer::authorize(const ObjectRequest &request, std::string_view body,
                       AuthorizedRequest &authorized) noexcept {
  try {
    Digest body_digest;
    if (!use_time(request.signed_at) || !Sha256().update(body).finish(body_digest)) return false;
    const HexDigest content_sha256 = to_hex(body_digest);

    const NameValue of_signature[] = {{"host", host_},
                                      {"x-amz-content-sha256", view(content_sha256)},
                                      {"x-amz-date", date_.timestamp()}};
    const SortedNameValues headers(SortedNameValues::Kind::kHeaders, request.headers, of_signature);
    const SignedHeaders signed_headers(headers);
    const SortedNameValues parameters(SortedNameValues::Kind::kParameters, request.query, {});
    CanonicalRequest canonical(request.method, parameters, headers, signed_headers.text(),
                               view(content_sha256));

    authorized.url.resize(url_bound(request));
    Writer url(authorized.url.data());
    url.text(origin_).text(path_prefix_).encoded_path(request.object_key);
    const std::string_view path = url.since(origin_.size());
    Digest hash;
    HexDigest signature;
    if (!canonical.hash(path, canonical.query(), hash) || !sign(hash, signature)) return false;
    if (!request.query.empty()) url.text("?").text(canonical.query());
    authorized.url.resize(url.size());
    authorized.amz_date = date_.timestamp();
    authorized.content_sha256 = view(content_sha256);
    authorized.authorization = std::string(kAlgorithm) + " Credential=" + credential_ +
                               ",SignedHeaders=" + std::string(signed_headers.text()) +
                               ",Signature=" + std::string(view(signature));
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace b2neon
