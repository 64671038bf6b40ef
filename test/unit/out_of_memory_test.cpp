#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "core/signer.h"
#include "unit/aws_example.h"

namespace {

thread_local long allocations_left = -1;  // -1: any number

bool may_allocate() {
  if (allocations_left == 0) return false;
  if (allocations_left > 0) allocations_left--;
  return true;
}

extern "C" {
static void *openssl_malloc(size_t size, const char *, int) {
  return may_allocate() ? malloc(size) : nullptr;
}
static void *openssl_realloc(void *memory, size_t size, const char *, int) {
  return may_allocate() ? realloc(memory, size) : nullptr;
}
static void openssl_free(void *memory, const char *, int) {
  free(memory);
}
}

// OpenSSL takes others only before it has allocated anything.
const bool replaced_in_openssl =
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

void *operator new(size_t size) {
  void *memory = may_allocate() ? malloc(size > 0 ? size : 1) : nullptr;
  if (!memory) throw std::bad_alloc();
  return memory;
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return may_allocate() ? malloc(size > 0 ? size : 1) : nullptr;
}
void operator delete(void *memory) noexcept {
  free(memory);
}
void operator delete(void *memory, size_t) noexcept {
  free(memory);
}

namespace b2neon {
namespace {

// Lets `attempt` fail at its first allocation, then at its second, until it needs no more. It
// returns whether it succeeded.
template <class Attempt>
void with_every_allocation_failing(Attempt attempt) {
  for (long allowed = 0; allowed < 1000; allowed++) {
    allocations_left = allowed;
    const bool succeeded = attempt();
    const bool ran_out = allocations_left == 0;
    allocations_left = -1;
    if (succeeded) return;
    ASSERT_TRUE(ran_out);
  }
  FAIL() << "it never succeeds";
}

ObjectRequest request_of(int64_t signed_at) {
  ObjectRequest request;
  request.method = "GET";
  request.object_key = "a key of some length, so that nothing of it fits into a string itself";
  request.signed_at = signed_at;
  return request;
}

std::string presigned(Signer &signer, const ObjectRequest &request) {
  std::string url(signer.url_bound(request), '\0');
  url.resize(signer.presign(request, 300, url.data()));
  return url;
}

constexpr int64_t kDay = 24 * 60 * 60;

TEST(OutOfMemory, ReplacesTheAllocationsOfOpenssl) {
  EXPECT_TRUE(replaced_in_openssl);
}

TEST(OutOfMemory, MakesNoSigner) {
  // OpenSSL 3.0 itself crashes where memory runs out while it gets ready for its first digest.
  unsigned char digest[EVP_MAX_MD_SIZE];
  ASSERT_EQ(EVP_Digest("", 0, digest, nullptr, EVP_sha512(), nullptr), 1);
  std::unique_ptr<Signer> signer;
  with_every_allocation_failing([&] {
    signer = Signer::create(aws_example());
    return signer != nullptr;
  });
  const std::unique_ptr<Signer> other = Signer::create(aws_example());
  const ObjectRequest request = request_of(kAwsExampleTime);
  EXPECT_EQ(presigned(*signer, request), presigned(*other, request));
}

TEST(OutOfMemory, GivesNoUrlAndTheRightOneAfterwards) {
  const std::unique_ptr<Signer> signer = Signer::create(aws_example());
  const std::unique_ptr<Signer> other = Signer::create(aws_example());
  // A day, a second, a lifetime and a header more.
  const NameValue headers[] = {{"x-amz-meta-a", std::string_view("a value that is long enough")}};
  for (int64_t later : {int64_t{0}, int64_t{1}, kDay}) {
    ObjectRequest request = request_of(kAwsExampleTime + later);
    for (int i = 0; i < 2; i++) {
      std::string url(signer->url_bound(request), '\0');
      with_every_allocation_failing([&] {
        const size_t size = signer->presign(request, 300, url.data());
        if (size > 0) url.resize(size);
        return size > 0;
      });
      EXPECT_EQ(url, presigned(*other, request));
      request.headers = headers;
    }
  }
}

TEST(OutOfMemory, GivesNoAuthorizationAndTheRightOneAfterwards) {
  const std::unique_ptr<Signer> signer = Signer::create(aws_example());
  const std::unique_ptr<Signer> other = Signer::create(aws_example());
  for (int64_t later : {int64_t{0}, int64_t{1}, kDay}) {
    const ObjectRequest request = request_of(kAwsExampleTime + later);
    AuthorizedRequest authorized;
    AuthorizedRequest expected;
    with_every_allocation_failing([&] { return signer->authorize(request, "body", authorized); });
    ASSERT_TRUE(other->authorize(request, "body", expected));
    EXPECT_EQ(authorized.url, expected.url);
    EXPECT_EQ(authorized.authorization, expected.authorization);
  }
}

TEST(OutOfMemory, IsNoMatterWhereOnlyTheKeyDiffers) {
  const std::unique_ptr<Signer> signer = Signer::create(aws_example());
  ObjectRequest request = request_of(kAwsExampleTime);
  std::string url(4096, '\0');
  ASSERT_GT(signer->presign(request, 300, url.data()), 0U);
  request.object_key = "another";
#ifndef B2NEON_SHA256_EVP
  allocations_left = 0;
#endif
  const size_t size = signer->presign(request, 300, url.data());
  allocations_left = -1;
  EXPECT_GT(size, 0U);
}

}  // namespace
}  // namespace b2neon
