#include "core/sha256.h"

#include <openssl/crypto.h>

#include <atomic>
#include <cstring>

namespace b2neon {

namespace {

constexpr size_t kBlockSize = 64;

void absorb_key(std::string_view key, Sha256 &inner, Sha256 &outer) noexcept {
  unsigned char block[kBlockSize] = {};
  if (key.size() > kBlockSize) {
    Digest digest;
    if (!Sha256().update(key).finish(digest)) {
      inner.fail();
      return;
    }
    memcpy(block, digest.data(), digest.size());
    OPENSSL_cleanse(digest.data(), digest.size());
  } else if (!key.empty()) {
    memcpy(block, key.data(), key.size());
  }
  for (unsigned char &byte : block) byte ^= 0x36;
  inner.update({reinterpret_cast<const char *>(block), kBlockSize});
  for (unsigned char &byte : block) byte ^= 0x36 ^ 0x5c;
  outer.update({reinterpret_cast<const char *>(block), kBlockSize});
  OPENSSL_cleanse(block, sizeof block);
}

}  // namespace

#ifdef B2NEON_SHA256_EVP

namespace {

// Fetching the algorithm is slow in OpenSSL 3, so it happens once; it is never freed.
const EVP_MD *sha256_algorithm() noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
  static std::atomic<const EVP_MD *> algorithm;
  if (!algorithm.load(std::memory_order_acquire)) {  // also where memory had run out
    algorithm.store(EVP_MD_fetch(nullptr, "SHA256", nullptr), std::memory_order_release);
  }
  return algorithm.load(std::memory_order_acquire);
#else
  return EVP_sha256();
#endif
}

}  // namespace

Sha256::Sha256() noexcept : state_(EVP_MD_CTX_new()) {
  reset();
}

Sha256::Sha256(const Sha256 &other) noexcept : state_(EVP_MD_CTX_new()) {
  *this = other;
}

Sha256 &Sha256::operator=(const Sha256 &other) noexcept {
  if (this == &other) return *this;
  failed_ = other.failed_ || !state_ || EVP_MD_CTX_copy_ex(state_, other.state_) != 1;
  return *this;
}

// OpenSSL clears the state before it frees it.
Sha256::~Sha256() {
  EVP_MD_CTX_free(state_);
}

void Sha256::reset() noexcept {
  const EVP_MD *algorithm = sha256_algorithm();
  failed_ = !state_ || !algorithm || EVP_DigestInit_ex(state_, algorithm, nullptr) != 1;
}

Sha256 &Sha256::update(std::string_view bytes) noexcept {
  if (!failed_) failed_ = EVP_DigestUpdate(state_, bytes.data(), bytes.size()) != 1;
  return *this;
}

bool Sha256::finish(Digest &digest) noexcept {
  return !failed_ && EVP_DigestFinal_ex(state_, digest.data(), nullptr) == 1;
}

#else

Sha256::Sha256() noexcept {
  SHA256_Init(&state_);
}

Sha256::Sha256(const Sha256 &other) noexcept = default;
Sha256 &Sha256::operator=(const Sha256 &other) noexcept = default;

// States that are derived from an application key are as good as the key.
Sha256::~Sha256() {
  OPENSSL_cleanse(&state_, sizeof state_);
}

void Sha256::reset() noexcept {
  SHA256_Init(&state_);
  failed_ = false;
}

Sha256 &Sha256::update(std::string_view bytes) noexcept {
  SHA256_Update(&state_, bytes.data(), bytes.size());
  return *this;
}

bool Sha256::finish(Digest &digest) noexcept {
  return !failed_ && SHA256_Final(digest.data(), &state_) == 1;
}

#endif

Sha256 &Sha256::update(const Digest &digest) noexcept {
  return update({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

HmacKey::HmacKey(std::string_view key) noexcept {
  absorb_key(key, inner_, outer_);
  failed_ = inner_.failed() || outer_.failed() || work_.failed();
}

HmacKey::HmacKey(const HmacKey &other) noexcept : inner_(other.inner_), outer_(other.outer_) {
  failed_ = inner_.failed() || outer_.failed() || work_.failed();
}

HmacKey::HmacKey(const Digest &key) noexcept
    : HmacKey(std::string_view(reinterpret_cast<const char *>(key.data()), key.size())) {}

HmacKey HmacKey::with_prefix(std::string_view prefix) const noexcept {
  HmacKey key(*this);
  key.failed_ |= key.inner_.update(prefix).failed();
  return key;
}

bool HmacKey::sign(std::string_view message, Digest &mac) noexcept {
  work_ = inner_;
  Digest inner_digest;
  if (!work_.update(message).finish(inner_digest)) return false;
  work_ = outer_;
  return work_.update(inner_digest).finish(mac);
}

HexDigest to_hex(const Digest &digest) noexcept {
  using Pair = std::array<char, 2>;
  static constexpr std::array<Pair, 256> kPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<Pair, 256> pairs{};
    for (size_t i = 0; i < pairs.size(); i++) pairs[i] = {kDigits[i >> 4], kDigits[i & 0xf]};
    return pairs;
  }();
  HexDigest hex;
  for (size_t i = 0; i < digest.size(); i++) memcpy(&hex[2 * i], &kPairs[digest[i]], sizeof(Pair));
  return hex;
}

}  // namespace b2neon
