#include "core/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

// All bytes that a class has, in order.
template <class IsMember>
std::string members(IsMember is_member) {
  std::string found;
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    if (is_member(c)) found += c;
  }
  return found;
}

TEST(Ascii, HasTenDigits) {
  EXPECT_EQ(members(is_ascii_digit), "0123456789");
}

TEST(Ascii, HasTwentySixLettersInEachCase) {
  EXPECT_EQ(members(is_ascii_lower), "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(members(is_ascii_upper), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  EXPECT_EQ(members(is_ascii_alnum),
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

TEST(Ascii, HasHexDigitsInBothCases) {
  EXPECT_EQ(members(is_ascii_hex_digit), "0123456789ABCDEFabcdef");
}

TEST(Ascii, HasThirtyThreeControlCharacters) {
  std::string expected;
  for (int i = 0; i < 0x20; i++) expected += static_cast<char>(i);
  EXPECT_EQ(members(is_ascii_control), expected + '\x7f');
}

TEST(Ascii, LowersLettersOnly) {
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    const bool changes = c >= 'A' && c <= 'Z';
    EXPECT_EQ(to_ascii_lower(c), changes ? static_cast<char>(c + 32) : c) << i;
  }
}

TEST(Ascii, ComparesTextsOfTheSameLengthOnly) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("Content-MD5", "cONTENT-md5"));
  EXPECT_FALSE(equal_ignoring_case("Content", "Content-"));
  EXPECT_FALSE(equal_ignoring_case("Content-", "Content"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));  // Ä and ä of Latin-1
}

}  // namespace
}  // namespace b2neon
