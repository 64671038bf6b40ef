// What a presigned URL costs in the core, beside the SHA-256 compressions that it cannot do
// without.
//
// presign_bench [URLS]
//
// Prints a line of JSON: nanoseconds for one URL and for the compressions of one, measured in turns
// so that both meet the same machine, in the median.

#include <openssl/opensslv.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/signer.h"

namespace {

using b2neon::ObjectRequest;
using b2neon::Signer;

// A canonical request of seven blocks, an inner hash of three and an outer of one, where HMAC's own
// two blocks are hashed beforehand.
constexpr size_t kCompressions = 11;
constexpr size_t kBlockSize = 64;
constexpr int kExpiresIn = 300;
constexpr int64_t kSignedAt = 1735689600;  // 2025-01-01 00:00:00 UTC

template <class Work>
double nanoseconds_each(long count, Work work) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < count; i++) work(i);
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / static_cast<double>(count);
}

std::unique_ptr<Signer> make_signer() {
  b2neon::BucketAccess access;
  if (b2neon::parse_endpoint("https://s3.us-west-004.backblazeb2.com", access.endpoint)) return {};
  access.bucket = "my-application-bucket";
  access.region = "us-west-004";
  access.key_id = "004abcdef0123450000000001";
  access.application_key = "K004abcdefghijklmnopqrstuvwxyz0";
  return Signer::create(access);
}

// Keys as b2_presign_put() makes them.
std::vector<std::string> make_keys() {
  std::vector<std::string> keys;
  for (int i = 0; i < 1024; i++) {
    char key[64];
    snprintf(key, sizeof key, "%08x-5b1c-4c1e-9d6f-0123456789ab/photo-%04d.jpg", i * 2654435761U,
             i);
    keys.push_back(key);
  }
  return keys;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char **argv) {
  constexpr int kTurns = 5;
  const long urls = argc > 1 ? atol(argv[1]) : 100000;
  const std::unique_ptr<Signer> signer = make_signer();
  if (!signer || urls < 1) return EXIT_FAILURE;
  const std::vector<std::string> keys = make_keys();
  std::string out(4096, '\0');
  const std::string blocks(kCompressions * kBlockSize, 'x');
  std::vector<double> core_ns;
  std::vector<double> compressions_ns;
  size_t total = 0;

  for (int turn = 0; turn < kTurns; turn++) {
    core_ns.push_back(nanoseconds_each(urls, [&](long i) {
      ObjectRequest request;
      request.method = "GET";
      request.object_key = keys[static_cast<size_t>(i) % keys.size()];
      request.signed_at = kSignedAt;
      total += signer->presign(request, kExpiresIn, out.data());
    }));
    b2neon::Sha256 hash;
    compressions_ns.push_back(nanoseconds_each(urls, [&](long) { hash.update(blocks); }));
    b2neon::Digest digest;
    if (!hash.finish(digest)) return EXIT_FAILURE;
  }
  if (total == 0) return EXIT_FAILURE;
#ifdef B2NEON_SHA256_EVP
  constexpr char kInterface[] = "EVP";
#else
  constexpr char kInterface[] = "low-level";
#endif
  printf(
      "{\"compressions_ns\": %.1f, \"core_ns\": %.1f, \"sha256\": \"%s\", \"openssl\": \"%s\"}\n",
      median(compressions_ns), median(core_ns), kInterface, OPENSSL_VERSION_TEXT);
}
