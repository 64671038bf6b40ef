#pragma once

#include <array>
#include <string_view>

// OpenSSL's low-level SHA-256 needs no allocation and its state can be copied like any struct,
// which makes it several times as fast as EVP on messages of a few hundred bytes. It is deprecated
// since OpenSSL 3.0; where a build of OpenSSL has left it out, EVP does the same work.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/opensslconf.h>
#if defined(OPENSSL_NO_DEPRECATED_3_0) && !defined(B2NEON_SHA256_EVP)
#define B2NEON_SHA256_EVP
#endif
#ifdef B2NEON_SHA256_EVP
#include <openssl/evp.h>
#else
#include <openssl/sha.h>
#endif

namespace b2neon {

using Digest = std::array<unsigned char, 32>;
using HexDigest = std::array<char, 64>;

/// A running SHA-256. Copying it copies the state, so that a common beginning is hashed once.
/// Only with EVP can anything fail (it allocates); a failure sticks until finish() tells of it.
class Sha256 {
 public:
  Sha256() noexcept;
  Sha256(const Sha256 &other) noexcept;
  Sha256 &operator=(const Sha256 &other) noexcept;
  ~Sha256();

  /// Starts anew.
  void reset() noexcept;

  Sha256 &update(std::string_view bytes) noexcept;
  Sha256 &update(const Digest &digest) noexcept;

  /// Gives the digest of everything so far, and spends the state. False: OpenSSL failed.
  [[nodiscard]] bool finish(Digest &digest) noexcept;

  /// Makes finish() fail, because what should have been hashed could not be made.
  void fail() noexcept { failed_ = true; }
  bool failed() const noexcept { return failed_; }

 private:
#ifdef B2NEON_SHA256_EVP
  EVP_MD_CTX *state_;
#else
  SHA256_CTX state_;
#endif
  bool failed_ = false;
};

/// HMAC-SHA-256 (RFC 2104) under one key: the key's two blocks are hashed once, and each message
/// starts from copies of those states. It is not safe to use one from two threads at once.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key) noexcept;
  explicit HmacKey(const Digest &key) noexcept;
  HmacKey(const HmacKey &other) noexcept;
  HmacKey &operator=(const HmacKey &) = delete;

  /// The same key for messages that all begin with `prefix`, which is hashed once.
  HmacKey with_prefix(std::string_view prefix) const noexcept;

  [[nodiscard]] bool sign(std::string_view message, Digest &mac) noexcept;

  /// Whether the key could not be made, so that it will never sign anything.
  bool failed() const noexcept { return failed_; }

 private:
  Sha256 inner_;
  Sha256 outer_;
  Sha256 work_;  // kept, because with EVP each new one is an allocation
  bool failed_;
};

HexDigest to_hex(const Digest &digest) noexcept;

inline std::string_view view(const HexDigest &hex) noexcept {
  return {hex.data(), hex.size()};
}

}  // namespace b2neon
