// Whatever the checks let through is signed as the plain reference signs it, within the bound.

#include <fuzzer/FuzzedDataProvider.h>

#include <memory>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "core/bucket_name.h"
#include "core/signer.h"
#include "fuzz/require.h"
#include "unit/reference_signer.h"

using namespace b2neon;

namespace {

std::vector<NameValue> consume(FuzzedDataProvider &data, std::vector<std::string> &texts) {
  const size_t count = data.ConsumeIntegralInRange<size_t>(0, kMaxNameValues + 1);
  const size_t first = texts.size();
  for (size_t i = 0; i < 2 * count; i++) texts.push_back(data.ConsumeRandomLengthString());
  std::vector<NameValue> made;
  for (size_t i = 0; i < count; i++) {
    made.push_back({texts[first + 2 * i], texts[first + 2 * i + 1]});
  }
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  // Texts come from the beginning, each up to a backslash and one character more; numbers from the
  // end.
  FuzzedDataProvider data(bytes, size);
  std::vector<std::string> texts;
  texts.reserve(4 * (kMaxNameValues + 1));  // so that no text moves

  const std::string url = "https://" + data.ConsumeRandomLengthString(200);
  std::string bucket = data.ConsumeRandomLengthString(63);
  std::string region = data.ConsumeRandomLengthString(63);
  const std::string key_id = data.ConsumeRandomLengthString();
  const std::string application_key = data.ConsumeRandomLengthString();
  const std::string object_key = data.ConsumeRandomLengthString();
  const std::string method = data.ConsumeRandomLengthString(10);
  BucketAccess access;
  if (parse_endpoint(url, access.endpoint) != nullptr) access.endpoint.host = "S3.example";
  if (check_bucket_name(bucket) != nullptr) bucket = "bucket";
  if (check_region(region) != nullptr) region = "region";
  access.endpoint.scheme = data.ConsumeBool() ? "https" : "http";
  access.endpoint.port = data.ConsumeIntegralInRange(1, 65535);
  access.bucket = bucket;
  access.region = region;
  access.url_style = data.ConsumeBool() ? UrlStyle::kPath : UrlStyle::kVirtual;
  access.key_id = key_id;
  access.application_key = application_key;

  ObjectRequest request;
  request.method = method;
  request.object_key = object_key;
  request.signed_at = data.ConsumeIntegralInRange(AmzDate::kMinimum, AmzDate::kMaximum);
  const int expires_in = data.ConsumeIntegralInRange(kMinExpiresIn, kMaxExpiresIn);
  const std::vector<NameValue> headers = consume(data, texts);
  const std::vector<NameValue> query = consume(data, texts);
  if (check_signed_headers(headers) == nullptr) request.headers = headers;
  if (check_query(query) == nullptr) request.query = query;

  std::unique_ptr<Signer> signer = Signer::create(access);
  REQUIRE(signer);
  // AddressSanitizer guards the end.
  const size_t bound = signer->url_bound(request);
  const std::unique_ptr<char[]> out(new char[bound]);
  const size_t length = signer->presign(request, expires_in, out.get());
  REQUIRE(length <= bound);
  REQUIRE(std::string_view(out.get(), length) == reference::presign(access, request, expires_in));

  // These it adds itself, and they are for nobody else to give.
  for (const NameValue &header : request.headers) {
    for (const std::string_view own : {"x-amz-content-sha256", "x-amz-date"}) {
      if (equal_ignoring_case(header.name, own)) return 0;
    }
  }
  AuthorizedRequest authorized;
  REQUIRE(signer->authorize(request, method, authorized));
  REQUIRE(authorized.authorization == reference::authorization(access, request, method));
  return 0;
}
