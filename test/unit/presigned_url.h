#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/signer.h"

namespace b2neon {

// A presigned URL, with a look at whether it was written within its bound.
inline std::string presigned_url(Signer &signer, const ObjectRequest &request,
                                 int expires_in = 86400) {
  constexpr size_t kCanary = 256;
  const size_t bound = signer.url_bound(request);
  std::string out(bound + kCanary, '!');
  const size_t length = signer.presign(request, expires_in, out.data());
  EXPECT_LE(length, bound);
  EXPECT_EQ(out.substr(bound), std::string(kCanary, '!'));
  out.resize(length);
  return out;
}

}  // namespace b2neon
