#include <gtest/gtest.h>

#include <string>

#include "core/sha256.h"

namespace b2neon {
namespace {

std::string hmac(std::string_view key, std::string_view message) {
  Digest mac;
  EXPECT_TRUE(HmacKey(key).sign(message, mac));
  return std::string(view(to_hex(mac)));
}

// RFC 4231, section 4; case 5 is about truncation.
TEST(Hmac, AgreesWithTheVectorsOfRfc4231) {
  EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  std::string key;
  for (int i = 1; i <= 25; i++) key += static_cast<char>(i);
  EXPECT_EQ(hmac(key, std::string(50, '\xcd')),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(hmac(std::string(20, '\x0c'), "Test With Truncation").substr(0, 32),
            "a3b6167473100ee06e0c796c2955552b");
  EXPECT_EQ(
      hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hmac(std::string(131, '\xaa'),
                 "This is a test using a larger than block-size key and a larger than block-size "
                 "data. The key needs to be hashed before being used by the HMAC algorithm."),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(Hmac, OfNothingUnderNoKeyIsDefined) {
  EXPECT_EQ(hmac({}, {}), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, HashesAKeyOnlyWhereItIsLongerThanABlock) {
  Digest digest;
  const std::string key(65, 'k');
  ASSERT_TRUE(Sha256().update(key).finish(digest));
  Digest mac;
  ASSERT_TRUE(HmacKey(digest).sign("message", mac));
  EXPECT_EQ(hmac(key, "message"), view(to_hex(mac)));
  // A block's worth of key is used as it is, so a zero byte after a shorter one changes nothing.
  EXPECT_EQ(hmac(std::string(63, 'k'), "message"), hmac(std::string(63, 'k') + '\0', "message"));
  EXPECT_NE(hmac(std::string(64, 'k'), "message"), hmac(std::string(64, 'k') + '\0', "message"));
}

TEST(Hmac, SignsManyMessagesUnderOneKey) {
  HmacKey key("Jefe");
  HmacKey copy(key);
  for (int i = 0; i < 3; i++) {
    Digest mac;
    ASSERT_TRUE(key.sign("what do ya want for nothing?", mac));
    EXPECT_EQ(view(to_hex(mac)),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ASSERT_TRUE(copy.sign("what do ya want for nothing?", mac));
    EXPECT_EQ(view(to_hex(mac)),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ASSERT_TRUE(key.sign("another", mac));
  }
}

TEST(Hmac, HashesAPrefixOfManyMessagesOnce) {
  for (size_t size : {0U, 1U, 63U, 64U, 65U, 200U}) {
    const std::string prefix(size, 'p');
    HmacKey key = HmacKey("Jefe").with_prefix(prefix);
    for (std::string message : {"", "one", "another"}) {
      Digest mac;
      ASSERT_TRUE(key.sign(message, mac));
      EXPECT_EQ(std::string(view(to_hex(mac))), hmac("Jefe", prefix + message));
    }
  }
}

}  // namespace
}  // namespace b2neon
