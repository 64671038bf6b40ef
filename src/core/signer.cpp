#include "core/signer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "core/ascii.h"
#include "core/header_value.h"
#include "core/percent_encoding.h"

namespace b2neon {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kService = "s3";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr size_t kSignatureParameters = 5;   // X-Amz-Algorithm … X-Amz-SignedHeaders
constexpr size_t kSignerHeadersLength = 64;  // host;x-amz-content-sha256;x-amz-date

// A pointer that moves on as text is written. The caller has made enough room.
class Writer {
 public:
  explicit Writer(char *out) noexcept : start_(out), end_(out) {}

  Writer &text(std::string_view text) noexcept {
    memcpy(end_, text.data(), text.size());
    end_ += text.size();
    return *this;
  }
  Writer &encoded(std::string_view text) noexcept {
    end_ = percent_encode(end_, text);
    return *this;
  }
  Writer &encoded_path(std::string_view path) noexcept {
    end_ = percent_encode_path(end_, path);
    return *this;
  }
  Writer &lower(std::string_view text) noexcept {
    for (char c : text) *end_++ = to_ascii_lower(c);
    return *this;
  }

  size_t size() const noexcept { return static_cast<size_t>(end_ - start_); }
  std::string_view since(size_t offset) const noexcept {
    return {start_ + offset, size() - offset};
  }

 private:
  char *start_;
  char *end_;
};

int compare_ignoring_case(std::string_view a, std::string_view b) noexcept {
  size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; i++) {
    char x = to_ascii_lower(a[i]);
    char y = to_ascii_lower(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool header_precedes(const NameValue &a, const NameValue &b) noexcept {
  return compare_ignoring_case(a.name, b.name) < 0;
}

bool parameter_precedes(const NameValue &a, const NameValue &b) noexcept {
  int order = compare_percent_encoded(a.name, b.name);
  return order != 0 ? order < 0 : compare_percent_encoded(a.value, b.value) < 0;
}

// A request's headers or parameters in canonical order, without an allocation.
class SortedNameValues {
 public:
  void add(const NameValue &item) noexcept { items_[count_++] = item; }
  void add(std::span<const NameValue> items) noexcept {
    for (const NameValue &item : items) add(item);
  }
  template <class Precedes>
  void sort(Precedes precedes) noexcept {
    // Insertion sort: the lists are short, and mostly sorted as they come.
    for (size_t i = 1; i < count_; i++) {
      NameValue item = items_[i];
      size_t j = i;
      for (; j > 0 && precedes(item, items_[j - 1]); j--) items_[j] = items_[j - 1];
      items_[j] = item;
    }
  }
  const NameValue *begin() const noexcept { return items_; }
  const NameValue *end() const noexcept { return items_ + count_; }

 private:
  NameValue items_[kMaxNameValues + kSignatureParameters];
  size_t count_ = 0;
};

std::string_view write_path(Writer &out, std::string_view prefix, std::string_view key) noexcept {
  const size_t start = out.size();
  out.text(prefix).encoded_path(key);
  return out.since(start);
}

std::string_view write_query(Writer &out, const SortedNameValues &parameters) noexcept {
  const size_t start = out.size();
  std::string_view separator = "";
  for (const NameValue &parameter : parameters) {
    out.text(separator).encoded(parameter.name).text("=").encoded(parameter.value);
    separator = "&";
  }
  return out.since(start);
}

// The names of the headers, `content-type;host`, in room for all that check_signed_headers() and
// the signer's own headers allow.
class SignedHeaders {
 public:
  // cppcheck-suppress uninitMemberVar ; no more of text_ is read than was written
  explicit SignedHeaders(const SortedNameValues &headers) noexcept {
    Writer out(text_);
    std::string_view separator = "";
    for (const NameValue &header : headers) {
      out.text(separator).lower(header.name);
      separator = ";";
    }
    size_ = out.size();
  }
  std::string_view text() const noexcept { return {text_, size_}; }

 private:
  char text_[kMaxHeaderNamesLength + kMaxNameValues + kSignerHeadersLength];
  size_t size_;
};

// Spaces around a value do not count, and a run of them counts as one.
void hash_header_value(Sha256 &hash, std::string_view value) noexcept {
  bool first = true;
  while (true) {
    size_t begin = value.find_first_not_of(' ');
    if (begin == std::string_view::npos) return;
    value.remove_prefix(begin);
    std::string_view word = value.substr(0, value.find(' '));
    if (!first) hash.update(" ");
    hash.update(word);
    value.remove_prefix(word.size());
    first = false;
  }
}

void hash_header_name(Sha256 &hash, std::string_view name) noexcept {
  char chunk[64];
  while (!name.empty()) {
    std::string_view part = name.substr(0, sizeof chunk);
    Writer lower(chunk);
    lower.lower(part);
    hash.update(lower.since(0));
    name.remove_prefix(part.size());
  }
}

// Task 1 of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
bool hash_canonical_request(std::string_view method, std::string_view path, std::string_view query,
                            const SortedNameValues &headers, std::string_view signed_headers,
                            std::string_view payload_hash, Digest &digest) noexcept {
  Sha256 hash;
  hash.update(method).update("\n").update(path).update("\n").update(query).update("\n");
  for (const NameValue &header : headers) {
    hash_header_name(hash, header.name);
    hash.update(":");
    hash_header_value(hash, header.value);
    hash.update("\n");
  }
  hash.update("\n").update(signed_headers).update("\n").update(payload_hash);
  return hash.finish(digest);
}

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
    return std::unique_ptr<Signer>(new Signer(access));
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
  return ok;
}

// Tasks 2 and 3.
bool Signer::sign(const AmzDate &date, const Digest &canonical_request,
                  HexDigest &signature) const noexcept {
  HexDigest canonical_request_hex = to_hex(canonical_request);
  char buffer[256];
  Writer string_to_sign(buffer);
  string_to_sign.text(kAlgorithm).text("\n");
  string_to_sign.text(date.timestamp()).text("\n");
  string_to_sign.text(scope_).text("\n");
  string_to_sign.text(view(canonical_request_hex));
  Digest mac;
  if (!signing_key_->sign(string_to_sign.since(0), mac)) return false;
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

size_t Signer::presign(const ObjectRequest &request, int expires_in, char *out) noexcept {
  const AmzDate date(request.signed_at);
  if (!use_day(date.day())) return 0;

  SortedNameValues headers;
  headers.add(request.headers);
  headers.add({"host", host_});
  headers.sort(header_precedes);
  const SignedHeaders signed_headers(headers);

  char expires[16];
  const char *expires_end = std::to_chars(expires, expires + sizeof expires, expires_in).ptr;

  SortedNameValues parameters;
  parameters.add({"X-Amz-Algorithm", kAlgorithm});
  parameters.add({"X-Amz-Credential", credential_});
  parameters.add({"X-Amz-Date", date.timestamp()});
  parameters.add({"X-Amz-Expires", {expires, static_cast<size_t>(expires_end - expires)}});
  parameters.add({"X-Amz-SignedHeaders", signed_headers.text()});
  parameters.add(request.query);
  parameters.sort(parameter_precedes);

  // The path and query of the URL are the canonical ones, so they are hashed where they stand.
  Writer url(out);
  url.text(origin_);
  const std::string_view path = write_path(url, path_prefix_, request.object_key);
  url.text("?");
  const std::string_view query = write_query(url, parameters);

  Digest canonical_request;
  HexDigest signature;
  if (!hash_canonical_request(request.method, path, query, headers, signed_headers.text(),
                              kUnsignedPayload, canonical_request) ||
      !sign(date, canonical_request, signature)) {
    return 0;
  }
  url.text("&X-Amz-Signature=").text(view(signature));
  return url.size();
}

bool Signer::authorize(const ObjectRequest &request, std::string_view body,
                       AuthorizedRequest &authorized) noexcept {
  try {
    const AmzDate date(request.signed_at);
    Digest body_digest;
    if (!use_day(date.day()) || !Sha256().update(body).finish(body_digest)) return false;
    const HexDigest content_sha256 = to_hex(body_digest);

    SortedNameValues headers;
    headers.add(request.headers);
    headers.add({"host", host_});
    headers.add({"x-amz-content-sha256", view(content_sha256)});
    headers.add({"x-amz-date", date.timestamp()});
    headers.sort(header_precedes);
    const SignedHeaders signed_headers(headers);

    SortedNameValues parameters;
    parameters.add(request.query);
    parameters.sort(parameter_precedes);

    authorized.url.resize(url_bound(request));
    Writer url(authorized.url.data());
    url.text(origin_);
    const std::string_view path = write_path(url, path_prefix_, request.object_key);
    if (!request.query.empty()) url.text("?");
    const std::string_view query = write_query(url, parameters);

    Digest canonical_request;
    HexDigest signature;
    if (!hash_canonical_request(request.method, path, query, headers, signed_headers.text(),
                                view(content_sha256), canonical_request) ||
        !sign(date, canonical_request, signature)) {
      return false;
    }
    authorized.url.resize(url.size());
    authorized.amz_date = date.timestamp();
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
